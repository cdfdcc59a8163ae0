"""Tables as their configs stand, cross-fitted, and cell by cell the heads of `fit`."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mint_lightning.cli import main
from tests.integration.conftest import CONF

pytestmark = pytest.mark.integration


def test_table_runs_as_its_config_stands(workspace: Path) -> None:
    config = ["--config", str(CONF / "table_faces.yaml"), "--recipe", '{"epochs": 1}', "--twins", "1"]
    assert main(["table", *config, "--name", "short", "--data.seed", "3"]) == 0
    document = json.loads((workspace / "mlruns/tables/short/table.json").read_text())
    assert document["request"]["data"]["init_args"]["shards"] == "shards/demo"
    assert len(document["evidence"]["rows"]) == 9


RUN_ELSEWHERE = {"faces_vanilla", "faces_cnn", "table_faces"}


@pytest.mark.parametrize("conf", sorted({path.stem for path in CONF.glob("*.yaml")} - RUN_ELSEWHERE))
def test_every_other_config_runs_on_the_demo(conf: str, workspace: Path) -> None:
    here = ["--data.shards", "shards/demo", "--data.network.card", "mlruns/networks/demo/card.json"]
    command = (CONF / f"{conf}.yaml").read_text().split()[2]
    fast = {"fit": ["--trainer.fast_dev_run", "true", "--trainer.accelerator", "cpu"]}.get(
        command, ["--recipe", '{"epochs": 1}', "--twins", "1"]
    )
    assert main([command, "--config", str(CONF / f"{conf}.yaml"), *here, *fast, "--name", f"every_{conf}"]) == 0


def test_cross_fitting_scores_every_image_once(workspace: Path) -> None:
    rows = '[{"head": "vanilla", "taps": ["conv4"]}, {"head": "norm"}]'
    config = ["--config", str(CONF / "table_faces.yaml"), "--recipe", '{"epochs": 1}', "--twins", "1", "--folds", "3"]
    assert main(["table", *config, "--rows", rows, "--name", "folds"]) == 0
    scores = pq.read_table("mlruns/tables/folds/scores.parquet").to_pandas()
    of = scores[(scores.row == "Vanilla conv4") & (scores.network == "audited")]
    manifest = json.loads((workspace / "shards/demo/manifest.json").read_text())
    assert len(of) == of.key.nunique() == sum(shard["count"] for shard in manifest["shards"])
    assert (of.groupby("identity").fold.nunique() == 1).all()
    assert set(of.split) == {"out-of-fold"}


@pytest.mark.parametrize(
    ("conf", "row"),
    [
        ("faces_vanilla", '{"head": "vanilla", "taps": ["outcome"]}'),
        ("faces_cnn", '{"head": "cnn", "taps": ["conv4:map"]}'),
    ],
)
def test_a_cell_of_a_table_is_the_head_that_fit_gives(conf: str, row: str, workspace: Path) -> None:
    import torch
    from safetensors.torch import load_file

    one = ["--trainer.max_epochs", "4", "--trainer.accelerator", "cpu", "--name", f"alone_{conf}"]
    assert main(["fit", "--config", str(CONF / f"{conf}.yaml"), *one]) == 0
    alone = load_file(f"mlruns/auditors/alone_{conf}/head.safetensors")
    bare = ["--recipe", '{"epochs": 4}', "--twins", "0", "--pixels", "false", "--accelerator", "cpu"]
    table = ["--config", str(CONF / "table_faces.yaml"), "--rows", f"[{row}]", *bare, "--name", f"cell_{conf}"]
    assert main(["table", *table]) == 0
    cell = load_file(next(Path(f"mlruns/tables/cell_{conf}/auditors").glob("*/head.safetensors")))
    assert alone.keys() == cell.keys()
    for name, value in alone.items():
        torch.testing.assert_close(cell[name].float(), value.float(), atol=1e-4, rtol=1e-3)
