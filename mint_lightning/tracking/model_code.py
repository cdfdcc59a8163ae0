"""What MLflow runs to load a registered auditor ("models from code"): this file is copied into the model."""

from mlflow.models import set_model

from mint_lightning.tracking.served import RegisteredAuditor

set_model(RegisteredAuditor())
