"""The best head of a table, with the network it audits, as a model of MLflow's registry that stands alone."""

import hashlib
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mint_lightning import __version__
from mint_lightning.auditor import AuditorCard, WeightsMissing, copy_network, load_auditor
from mint_lightning.errors import UserError
from mint_lightning.evidence import RowEvidence, TableEvidence, error_rate
from mint_lightning.tracking.store import Store

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.tracking import MlflowClient

ALIAS = "best"
FOLDER = "model"
CODE = Path(__file__).with_name("model_code.py")


class NothingToRegister(Exception):
    """Why a table has no auditor that could stand alone, as the end of a sentence."""


@dataclass(frozen=True)
class Registered:
    """A model version: its name and number, and whether the alias points to it."""

    name: str
    version: str
    best: bool

    @property
    def uri(self) -> str:
        """What `mlflow.pyfunc.load_model` takes."""
        return f"models:/{self.name}@{ALIAS}" if self.best else f"models:/{self.name}/{self.version}"


def register(store: Store, run: str, folder: Path, evidence: TableEvidence) -> Registered:
    """Register the fitted row that is best on validate, from a finished table's folder, as a model of its run.

    The model is the auditor's folder with the weights and card of the network beside it, and a file of code: no pickle.

    Raises:
        NothingToRegister: cross-fitted, nothing fitted, random weights, or weights that are no longer there.
    """
    row = best_row(evidence)
    auditor = _auditor_of(folder, row.name)
    client = store.client
    with tempfile.TemporaryDirectory() as temporary:
        place, card = Path(temporary), _able(auditor)
        try:
            copy_network(card, place / "network")
        except WeightsMissing as why:
            raise NothingToRegister(str(why)) from why
        _save(place / FOLDER, {"auditor": auditor, "network": place / "network"}, card)
        client.log_artifacts(run, str(place / FOLDER), FOLDER)
    name = model_name(str(card.network["name"]))
    _make_model(client, name, card)
    source = f"{client.get_run(run).info.artifact_uri}/{FOLDER}"
    tags = _tags(card, row, client.get_run(run).data.tags)
    version = client.create_model_version(name, source, run, tags=tags, description=row.claim.reason)
    best = _is_best(client, name, tags)
    if best:
        client.set_registered_model_alias(name, ALIAS, version.version)
    return Registered(name, str(version.version), best)


def best_row(evidence: TableEvidence) -> RowEvidence:
    """The fitted row with the highest AUC on validate; a choice, so test has no say in it. Not one of
    several photos at once: a model is asked photo by photo."""
    fitted = [row for row in evidence.rows if row.heads and row.validate_auc is not None and row.head != "person"]
    if not fitted:
        raise NothingToRegister("no row of the table has a head that judges one photo")
    if any(row.cross_fitted for row in fitted):
        raise NothingToRegister("a cross-fitted table has several heads for each row, on no one scale")
    return max(fitted, key=lambda row: row.validate_auc or 0.0)


def model_name(network: str) -> str:
    """A name that the registry takes, from any name; where signs had to go, a hash keeps two networks apart."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", network).strip("-.")[:80]
    if plain and plain == network:
        return plain
    return f"{plain or 'network'}-{hashlib.sha256(network.encode()).hexdigest()[:8]}"


def _auditor_of(folder: Path, row: str) -> Path:
    for path in sorted((folder / "auditors").iterdir()):
        if load_auditor(path).card.name == row:
            return path
    raise NothingToRegister(f"{folder / 'auditors'} holds no auditor of {row!r}")


def _able(auditor: Path) -> AuditorCard:
    """The card of an auditor that can state an error rate."""
    found = load_auditor(auditor)
    try:
        error_rate(found.scores)
    except UserError as error:
        raise NothingToRegister(f"no error rate can be stated ({str(error).rstrip('.')})") from error
    return found.card


def _save(path: Path, artifacts: Mapping[str, Path], card: AuditorCard) -> None:
    import mlflow
    from mlflow.models import ModelSignature
    from mlflow.types.schema import Schema, TensorSpec

    from mint_lightning.tracking.served import ANSWER

    size = int(card.pixels["image_size"])
    images = Schema([TensorSpec(np.dtype(np.uint8), (-1, size, size, 3))])
    mlflow.pyfunc.save_model(
        path,
        python_model=str(CODE),
        artifacts={name: str(file) for name, file in artifacts.items()},
        signature=ModelSignature(inputs=images, outputs=ANSWER),
        input_example=np.full((1, size, size, 3), 128, np.uint8),
        pip_requirements=[f"mint-lightning=={__version__}"],  # or MLflow would import for a minute to find out
    )


def _make_model(client: "MlflowClient", name: str, card: AuditorCard) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(
            name, description=f"Was this photo used to train {card.network['name']}? Never proof about one photo."
        )
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _tags(card: AuditorCard, row: RowEvidence, run: Mapping[str, str]) -> dict[str, Any]:
    return {
        "table": run.get("table", ""),
        "row": row.name,
        "network": str(card.network["name"]),
        "fingerprint": str(card.network["fingerprint"]),
        "shards": str(card.membership["shards"]),
        "validate_auc": f"{row.validate_auc:.4f}",
        "finds": "yes" if row.finds else "no",
        "may_claim": "yes" if row.claim.may_claim else "no",
        "outcome": str(row.claim.outcome),
    }


def _is_best(client: "MlflowClient", name: str, tags: Mapping[str, str]) -> bool:
    """Whether the alias goes to the new version: it stays where an earlier one did better on the same question."""
    from mlflow.exceptions import MlflowException

    try:
        now: ModelVersion = client.get_model_version_by_alias(name, ALIAS)
    except MlflowException:
        return True
    same = all(now.tags.get(key) == tags[key] for key in ("fingerprint", "shards"))
    return not same or float(tags["validate_auc"]) >= float(now.tags.get("validate_auc", 0.0))
