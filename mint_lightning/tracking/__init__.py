"""Runs that people compare, in MLflow."""
