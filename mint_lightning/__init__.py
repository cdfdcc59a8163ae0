"""Membership Inference Test (MINT) for frozen vision networks, with the evidence to defend its answers."""

__version__ = "0.1.0"
