"""Single entries of an MLflow run: parameters, metrics and shard sets, within the limits MLflow has for them."""

import json
import re
import time
from collections.abc import Mapping, Sequence
from statistics import stdev
from typing import TYPE_CHECKING, Any

from mint_lightning.evidence import Estimate, HeadFigures, RowEvidence
from mint_lightning.report import wording
from mint_lightning.report.cells import twin_spread
from mint_lightning.report.tidy import RATES

if TYPE_CHECKING:
    from mlflow.entities import Metric, Param
    from mlflow.tracking import MlflowClient

PARAM_LIMIT = 500
PARAMS_AT_ONCE = 100
DIGEST_LIMIT = 36
CURVE = "validate_auc_by_epoch"
CONTROLS = {"pixels": "pixels_auc", "twins": "twins_auc", "reference": "references_auc"}


def row_metrics(row: RowEvidence) -> dict[str, float]:
    """The figures of a row as metrics; what could not be resolved or was not run is left out.

    Rounded to four decimals (p-values to three digits), as far as they are known and as MLflow's columns show them; the
    artifact `evidence.json` has every digit.
    """
    found = _measured(row.auc, row.accuracy) | {"finds": float(row.finds)}
    for target, name in RATES:
        point = wording.operating_point(row, target)
        if point is not None and point.resolvable and point.tpr is not None:
            found |= _interval(f"tpr_at_{name}_fpr", point.tpr)
    found |= _worth(row)
    if row.excess is not None:
        found |= {"excess": row.excess.value, "excess_low": row.excess.low, "excess_high": row.excess.high}
        found["p_holm"] = row.excess.p_holm
    for control in row.controls:
        if control.counts and control.kind in CONTROLS:
            name = CONTROLS[control.kind]
            found[name] = max(found.get(name, 0.0), control.auc.value)
    if sum(control.kind == "twin" for control in row.controls) > 1:
        found["twins_auc_sd"] = twin_spread(row)
    if row.permuted_auc is not None:
        found |= _interval("permuted_auc", row.permuted_auc)
    if rates := [each.fpr.value for each in row.left_out if each.fpr is not None]:
        found["left_out_fpr"] = max(rates)
    if row.validate_auc is not None:
        found["validate_auc"] = row.validate_auc
    if alone := row.seed_aucs:
        found |= {"seed_auc_sd": stdev(alone), "seed_auc_min": min(alone), "seed_auc_max": max(alone)}
    return _rounded(found)


def _worth(row: RowEvidence) -> dict[str, float]:
    """Precision at each prior, the bound on epsilon and the calibration error; what is not resolvable is left out."""
    found: dict[str, float] = {}
    for each in row.precision:
        name = f"precision_prior_{100 * each.prior:g}"
        found |= {name: each.estimate.value, f"{name}_low": each.estimate.low}
    if row.epsilon is not None:
        found["epsilon_low"] = row.epsilon.low
    if row.reliability is not None:
        found |= _interval("ece", row.reliability.ece) | {"ece_debiased": row.reliability.debiased}
    return found


def row_params(row: RowEvidence) -> dict[str, Any]:
    """What a row is: tap, head, network, seed, and samples where it was fitted."""
    found = {"tap": row.tap or "-", "head": row.head, "network": row.network, "seed": row.seed}
    return found | ({"samples": row.samples} if row.samples else {})


def cell_metrics(head: HeadFigures) -> dict[str, float]:
    """The figures of one head alone as metrics, under the names and with the rounding of a row's."""
    found = _measured(head.auc, head.accuracy)
    if head.tpr_1 is not None:
        found |= _interval("tpr_at_1pct_fpr", head.tpr_1)
    if head.validate_auc is not None:
        found["validate_auc"] = head.validate_auc
    if head.epoch is not None:
        found["epoch"] = float(head.epoch)
    return _rounded(found)


def cell_params(head: HeadFigures, row: RowEvidence | None) -> dict[str, Any]:
    """Where one head stands: on which tap of which network, of how many samples; on pixels it is under no row."""
    found: dict[str, Any] = {"network": head.network, "seed": head.seed, "role": head.role}
    if row is None:
        return found | {"tap": "pixels", "head": "vanilla"}
    return found | {"tap": row.tap or "-", "head": row.head} | ({"samples": row.samples} if row.samples else {})


def _measured(auc: Estimate, accuracy: Estimate) -> dict[str, float]:
    counts = {"n": float(auc.images), "n_people": float(auc.identities)}
    return _interval("auc", auc) | _interval("balanced_accuracy", accuracy) | counts


def _interval(name: str, figure: Estimate) -> dict[str, float]:
    return {name: figure.value, f"{name}_low": figure.low, f"{name}_high": figure.high}


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: float(f"{value:.3g}") if name == "p_holm" else round(value, 4) for name, value in figures.items()}


def params_of(values: Mapping[str, Any]) -> list["Param"]:
    """Parameters as MLflow takes them: nested mappings as `a/b`, each value cut at 500 characters."""
    from mlflow.entities import Param

    return [Param(key, cut(value)) for key, value in flatten(values).items()]


def metrics_of(values: Mapping[str, float], curve: Sequence[float] = ()) -> list["Metric"]:
    """Final figures as MLflow takes them, and the AUC on validate after each epoch."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    found = [Metric(key, float(value), now, 0) for key, value in values.items()]
    return found + [Metric(CURVE, round(float(value), 4), now, epoch) for epoch, value in enumerate(curve)]


def log_params(client: "MlflowClient", run: str, params: Mapping[str, Any]) -> None:
    """Log parameters, as many as there are."""
    flat = params_of(params)
    for start in range(0, len(flat), PARAMS_AT_ONCE):
        client.log_batch(run, params=flat[start : start + PARAMS_AT_ONCE])


def log_metrics(client: "MlflowClient", run: str, metrics: Mapping[str, float]) -> None:
    """Log final figures in one call."""
    client.log_batch(run, metrics=metrics_of(metrics))


def log_shards(
    client: "MlflowClient",
    run: str,
    manifests: Mapping[str, str],
    *,
    context: str = "table",
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Log shard sets as dataset inputs. MLflow's digest holds 36 characters, so the whole hash is in the source."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    inputs = []
    for name, manifest_hash in manifests.items():
        source = json.dumps({"shards": name, "manifest_sha256": manifest_hash})
        profile = json.dumps(dict(facts or {}), ensure_ascii=False, default=str)
        dataset = Dataset(name[:500], manifest_hash[:DIGEST_LIMIT], "shards", source, profile=profile)
        inputs.append(DatasetInput(dataset, [InputTag("mlflow.data.context", context)]))
    if inputs:
        client.log_inputs(run, inputs)


def flatten(params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, keys joined by "/" and cleaned of what MLflow refuses in a name."""
    flat: dict[str, Any] = {}
    for key, value in params.items():
        name = prefix + re.sub(r"[^\w./ -]+", "_", str(key))
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{name}/")
        else:
            flat[name[:250]] = value
    return flat


def cut(value: Any) -> str:
    """A value as text of at most 500 characters, an ellipsis marking what is missing."""
    text = str(value)
    return text if len(text) <= PARAM_LIMIT else f"{text[: PARAM_LIMIT - 1]}…"
