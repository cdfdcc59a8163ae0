"""One head: fit, validate, test and predict, each by its command."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from mint_lightning.auditor import load_auditor
from mint_lightning.cli import main
from tests.integration.conftest import CONF, FAST

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("conf", ["faces_vanilla", "faces_cnn", "faces_invariant"])
def test_fit_test_validate_predict_of_each_head(conf: str, workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = ["--config", str(CONF / f"{conf}.yaml"), *FAST]
    checkpoint = ["--ckpt_path", f"mlruns/checkpoints/{conf}/best.ckpt"]
    assert main(["fit", *config]) == 0
    assert (workspace / checkpoint[1]).is_file()
    auditor = load_auditor(workspace / "mlruns/auditors" / conf)
    assert auditor.card.evidence is None
    assert any("claims no membership" in limit for limit in auditor.card.limits)
    assert set(auditor.calibration.split.tolist()) == {"calibrate"}
    assert main(["validate", *config, *checkpoint]) == 0
    assert main(["test", *config, *checkpoint]) == 0
    assert "AUC" in capsys.readouterr().out
    from mint_lightning.tracking.store import open_store

    store = open_store()
    runs = [r for r in store.client.search_runs([store.experiment("heads")]) if r.info.run_name == conf]
    finished = [r for r in runs if "auc" in r.data.metrics and "fit/loss" in r.data.metrics]
    assert len(finished) == 1, "the test's figures stand in the run that was fitted"
    assert {"config.yaml", "auditor", "checkpoint", "pictures"} <= {
        a.path for a in store.client.list_artifacts(finished[0].info.run_id)
    }
    assert main(["predict", *config, *checkpoint]) == 0
    rows = pq.read_table(workspace / f"mlruns/predictions/{conf}.parquet").to_pandas()
    manifest = json.loads((workspace / "shards/demo/manifest.json").read_text())
    assert len(rows) == sum(shard["count"] for shard in manifest["shards"]) == rows.key.nunique()
    assert list(rows.columns) == ["key", "source", "identity", "split", "partition", "score"]
    assert np.isfinite(rows.score).all()


@pytest.mark.parametrize("conf", ["faces_vanilla", "faces_invariant"])
def test_the_auditor_scores_images_as_predict_does(conf: str, workspace: Path) -> None:
    import torch

    from mint_lightning.audited import NetworkSource
    from mint_lightning.shards import EvalLoader, KeyList, Manifest

    config = ["--config", str(CONF / f"{conf}.yaml"), *FAST, "--name", f"scored_{conf}"]
    assert main(["fit", *config]) == 0
    assert main(["predict", *config, "--ckpt_path", f"mlruns/checkpoints/scored_{conf}/best.ckpt"]) == 0
    predicted = pq.read_table(f"mlruns/predictions/scored_{conf}.parquet").to_pandas().set_index("key").score
    auditor = load_auditor(Path(f"mlruns/auditors/scored_{conf}"))
    network = NetworkSource(card="mlruns/networks/demo/card.json").load()
    root = Path("shards/demo")
    keys = KeyList.load(root, Manifest.load(root))
    batch = next(iter(EvalLoader(root, keys, np.arange(20), batch_size=20)))
    scores = auditor.score(network, batch["images"])
    expected = predicted[keys.key[batch["row"].numpy()]].to_numpy()
    torch.testing.assert_close(torch.tensor(scores), torch.tensor(expected), atol=1e-4, rtol=1e-4)


def test_interpolation_reaches_the_command_line(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = Path("interpolated.yaml")
    config.write_text((CONF / "faces_vanilla.yaml").read_text().replace("trainer:", "seed_everything: 5\ntrainer:"))
    config.write_text(config.read_text().replace("taps: [outcome]", "taps: [outcome]\n    seed: ${seed_everything}"))
    with pytest.raises(SystemExit) as stopped:
        main(["fit", "--config", str(config), "--seed_everything", "11", "--print_config"])
    assert stopped.value.code == 0
    assert "seed: 11" in capsys.readouterr().out
    assert main(["fit", "--config", str(config), "--seed_everything", "11", "--name", "eleven", *FAST]) == 0
    assert json.loads(Path("mlruns/auditors/eleven/auditor.json").read_text())["name"] == "Vanilla outcome"


def test_fit_runs_without_a_progress_bar(workspace: Path) -> None:
    quiet = ["--trainer.enable_progress_bar", "false", "--name", "quiet"]
    assert main(["fit", "--config", str(CONF / "faces_vanilla.yaml"), *FAST, *quiet]) == 0
