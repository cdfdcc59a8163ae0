"""Tables as their configs stand, cross-fitted, and cell by cell the heads of `fit`."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from mint_lightning.cli import main
from tests.integration.conftest import CONF

pytestmark = pytest.mark.integration


def test_table_runs_as_its_config_stands(workspace: Path) -> None:
    config = ["--config", str(CONF / "table_faces.yaml"), "--recipe", '{"epochs": 1}', "--twins", "1"]
    assert main(["table", *config, "--name", "short", "--data.seed", "3"]) == 0
    document = json.loads((workspace / "mlruns/tables/short/table.json").read_text())
    assert document["request"]["data"]["init_args"]["shards"] == "shards/demo"
    assert len(document["evidence"]["rows"]) == 9


OTHER_NETWORKS = {"own_network", "onnx_network"}  # test_your_own_network.py
RUN_ELSEWHERE = {
    "faces_vanilla",
    "faces_cnn",
    "table_faces",
    *(MANY_PHOTOS := ("lfw_fresh", "lfw_heads", "lfw_transfer")),  # below
    *OTHER_NETWORKS,
    *(path.stem for path in CONF.glob("paper_*.yaml")),
    *(path.stem for path in CONF.glob("objects_*.yaml")),  # test_object_configs.py
}


@pytest.mark.parametrize("conf", sorted({path.stem for path in CONF.glob("*.yaml")} - RUN_ELSEWHERE))
def test_every_other_config_runs_on_the_demo(conf: str, workspace: Path) -> None:
    here = ["--data.shards", "shards/demo", "--data.network.card", "mlruns/networks/demo/card.json"]
    text = (CONF / f"{conf}.yaml").read_text()
    command = text.split()[2]
    rows = yaml.safe_load(text).get("rows")
    if rows:  # their own recipes would learn for minutes
        here += [
            "--rows",
            json.dumps([{**row, **({"recipe": {"epochs": 1}} if "taps" in row else {})} for row in rows]),
        ]
    alone = ["--references", "null", "--complement", "null", "--seeds", "1"]  # their networks are not here
    fast = {"fit": ["--trainer.fast_dev_run", "true", "--trainer.accelerator", "cpu"]}.get(
        command, ["--recipe", '{"epochs": 1}', "--twins", "1", *alone]
    )
    one = ["--trainer.devices", "1", "--trainer.num_nodes", "1"] if conf in ("ddp", "slurm") else []
    assert main([command, "--config", str(CONF / f"{conf}.yaml"), *here, *fast, *one, "--name", f"every_{conf}"]) == 0


@pytest.mark.parametrize("conf", MANY_PHOTOS)
def test_rows_of_more_photos_than_the_demo_has_can_be_learnt_with_fewer(conf: str, workspace: Path) -> None:
    rows = yaml.safe_load((CONF / f"{conf}.yaml").read_text())["rows"]
    for row in rows:  # nobody in the demo has eight photos, nor are there so many in all
        row.pop("samples", None)
        for place in (row, row.get("arguments", {})):
            if "photos" in place:
                place["photos"] = min(place["photos"], 4)
    rows = [{"name": f"row {number}"} | row for number, row in enumerate(rows)]
    here = ["--data.shards", "shards/demo", "--data.network.card", "mlruns/networks/demo/card.json"]
    few = ["--rows", json.dumps(rows), "--folds", "0", "--data.batch_size", "16"]
    config = ["--config", str(CONF / f"{conf}.yaml"), *here, *few]
    assert main(["table", *config, "--dry-run"]) == 0


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


def test_a_row_of_several_seeds_is_the_mean_of_its_heads(workspace: Path) -> None:
    import numpy as np
    import torch

    from mint_lightning.audited import NetworkSource
    from mint_lightning.auditor import load_auditor
    from mint_lightning.heads import MeanHead
    from mint_lightning.shards import EvalLoader, KeyList, Manifest

    one = '[{"head": "vanilla", "taps": ["conv4"], "recipe": {"epochs": 2, "rate": 0.01}}]'
    config = ["--config", str(CONF / "table_faces.yaml"), "--rows", one, "--twins", "1"]
    assert main(["table", *config, "--seeds", "3", "--name", "seeds"]) == 0
    for seed in ("0", "1", "2"):  # the twins' seed too, but they are not compared
        assert main(["table", *config, "--seed", seed, "--seeds", "1", "--name", f"seed_{seed}"]) == 0

    def audited(name: str) -> Any:
        table = pq.read_table(f"mlruns/tables/{name}/scores.parquet").to_pandas()
        return table[(table.row == "Vanilla conv4") & (table.role == "audited")].set_index("key").score.sort_index()

    together, alone = audited("seeds"), [audited(f"seed_{seed}") for seed in range(3)]
    np.testing.assert_allclose(together, np.mean(alone, axis=0), atol=2e-4)
    row = json.loads(Path("mlruns/tables/seeds/table.json").read_text())["evidence"]["rows"][0]
    singles = [
        json.loads(Path(f"mlruns/tables/seed_{seed}/table.json").read_text())["evidence"]["rows"][0]["auc"]["value"]
        for seed in range(3)
    ]
    assert [head["auc"]["value"] for head in row["heads"] if head["role"] == "audited"] == pytest.approx(
        singles, abs=2e-3
    )
    auditor = load_auditor(Path("mlruns/tables/seeds/auditors/vanilla_conv4"))
    assert isinstance(auditor.head, MeanHead)
    root = Path("shards/demo")
    keys = KeyList.load(root, Manifest.load(root))
    rows = keys.rows_of(together.index.to_numpy()[:16])
    batch = next(iter(EvalLoader(root, keys, np.sort(rows), batch_size=16)))
    network = NetworkSource(card="mlruns/networks/demo/card.json").load()
    scores = torch.from_numpy(auditor.score(network, batch["images"]))
    expected = torch.tensor(together.loc[keys.key[batch["row"].numpy()]].to_numpy())
    torch.testing.assert_close(scores, expected, atol=1e-4, rtol=1e-3)


def test_splits_by_photo_share_people_and_claim_nothing(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = '[{"head": "vanilla", "taps": ["outcome"]}, {"head": "agreement"}]'
    config = ["--config", str(CONF / "table_faces.yaml"), "--recipe", '{"epochs": 2}', "--twins", "1", "--rows", rows]
    assert main(["table", *config, "--data.split_by", "photo", "--name", "by_photo"]) == 0
    document = json.loads(Path("mlruns/tables/by_photo/table.json").read_text())["evidence"]
    assert not document["random_partition"]
    assert not any(row["claim"]["may_claim"] for row in document["rows"])
    assert "people whom a head learnt are in test" in Path("mlruns/tables/by_photo/report.html").read_text()
    scores = pq.read_table("mlruns/tables/by_photo/scores.parquet").to_pandas()
    of = scores[(scores.row == "Flip agreement") & (scores.role == "audited")]
    assert (of.groupby("identity").split.nunique() == 2).any(), "people are in calibrate and in test"
    capsys.readouterr()
    assert main(["table", *config, "--data.split_by", "photo", "--folds", "3", "--name", "both"]) == 2
    assert "the splits are by photo" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("conf", "row"),
    [
        ("faces_vanilla", '{"head": "vanilla", "taps": ["outcome"]}'),
        ("faces_cnn", '{"head": "cnn", "taps": ["conv4:map"]}'),
    ],
)
def test_a_cell_of_a_table_is_the_head_that_fit_gives(conf: str, row: str, workspace: Path) -> None:
    import numpy as np
    import torch
    from safetensors.torch import load_file
    from sklearn.metrics import roc_auc_score

    from mint_lightning.audited import NetworkSource
    from mint_lightning.auditor import load_auditor
    from mint_lightning.shards import EvalLoader, KeyList, Manifest

    one = ["--trainer.max_epochs", "4", "--trainer.accelerator", "cpu", "--name", f"alone_{conf}"]
    assert main(["fit", "--config", str(CONF / f"{conf}.yaml"), *one]) == 0
    head = Path(f"mlruns/auditors/alone_{conf}/head.safetensors")
    alone = load_file(head)
    bare = ["--recipe", '{"epochs": 4}', "--twins", "0", "--pixels", "false", "--seeds", "1", "--accelerator", "cpu"]
    table = ["--config", str(CONF / "table_faces.yaml"), "--rows", f"[{row}]", *bare, "--name", f"cell_{conf}"]
    assert main(["table", *table]) == 0
    cell = load_file(next(Path(f"mlruns/tables/cell_{conf}/auditors").glob("*/head.safetensors")))
    assert alone.keys() == cell.keys()
    for name, value in alone.items():
        torch.testing.assert_close(cell[name].float(), value.float(), atol=1e-4, rtol=1e-3)
    scores = pq.read_table(f"mlruns/tables/cell_{conf}/scores.parquet").to_pandas()
    of = scores[(scores.role == "audited") & (scores.split == "test") & ~scores.unseen]
    root = Path("shards/demo")
    keys = KeyList.load(root, Manifest.load(root))
    network, auditor = NetworkSource(card="mlruns/networks/demo/card.json").load(), load_auditor(head.parent)
    (batch,) = EvalLoader(root, keys, np.sort(keys.rows_of(of.key.to_numpy())), batch_size=len(of))
    alone_scores = dict(zip(keys.key[batch["row"].numpy()], auditor.score(network, batch["images"]), strict=True))
    own = roc_auc_score(of.member, [alone_scores[key] for key in of.key])
    assert own == pytest.approx(roc_auc_score(of.member, of.score), abs=0.005)
