"""Every command through the one door, on what a small demo left."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from mint_lightning.auditor import load_auditor
from mint_lightning.cli import COMMANDS, main
from mint_lightning.evidence import TableEvidence
from tests.integration.conftest import CONF

pytestmark = pytest.mark.integration

FAST = ["--trainer.max_epochs", "2", "--trainer.accelerator", "cpu"]


def test_demo_leaves_a_table_a_page_and_auditors(workspace: Path) -> None:
    table = json.loads((workspace / "mlruns/tables/demo/table.json").read_text())
    evidence = TableEvidence.from_json(table["evidence"])
    names = [row.name for row in evidence.rows]
    assert names == [
        *(f"Vanilla {tap}" for tap in ("conv1", "conv2", "conv3", "conv4", "outcome")),
        "CNN conv4",
        "Embedding norm",
        "Flip agreement",
    ]
    for row in evidence.rows:
        assert {control.kind for control in row.controls} == {"pixels", "twin", "twins"}
        assert row.excess is not None
    page = (workspace / "mlruns/tables/demo/report.html").read_text()
    assert "Vanilla conv4" in page
    assert load_auditor(workspace / "mlruns/tables/demo/auditors/cnn_conv4").head is not None
    assert load_auditor(workspace / "mlruns/tables/demo/auditors/flip_agreement").card.evidence is not None


def test_a_second_demo_reuses_everything(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = ["shards/demo/manifest.json", "mlruns/networks/demo/network.safetensors", "mlruns/tables/demo/table.json"]
    before = [(workspace / part).stat().st_mtime_ns for part in parts]
    assert main(["demo", "--identities", "240", "--epochs", "1"]) == 0
    assert [(workspace / part).stat().st_mtime_ns for part in parts] == before
    out = capsys.readouterr().out
    assert "Reused" in out
    assert "-m mint_lightning.tracking.ui" in out  # no Makefile here
    assert "--config faces_vanilla" in out


def test_the_scores_of_a_table_give_its_figures_again(workspace: Path) -> None:
    from sklearn.metrics import roc_auc_score

    evidence = TableEvidence.from_json(
        json.loads((workspace / "mlruns/tables/demo/table.json").read_text())["evidence"]
    )
    scores = pq.read_table(workspace / "mlruns/tables/demo/scores.parquet").to_pandas()
    for row in evidence.rows:
        of = scores[
            (scores.row == row.name) & (scores.network == "audited") & (scores.split == "test") & ~scores.unseen
        ]
        assert roc_auc_score(of.member, of.score) == pytest.approx(row.auc.value, abs=1e-12)
        assert len(of) == row.auc.images


@pytest.mark.parametrize("conf", ["faces_vanilla", "faces_cnn"])
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


def test_the_auditor_scores_images_as_predict_does(workspace: Path) -> None:
    import torch

    from mint_lightning.audited import NetworkSource
    from mint_lightning.shards import EvalLoader, KeyList, Manifest

    config = ["--config", str(CONF / "faces_vanilla.yaml"), *FAST, "--name", "scored"]
    assert main(["fit", *config]) == 0
    assert main(["predict", *config, "--ckpt_path", "mlruns/checkpoints/scored/best.ckpt"]) == 0
    predicted = pq.read_table("mlruns/predictions/scored.parquet").to_pandas().set_index("key").score
    auditor = load_auditor(Path("mlruns/auditors/scored"))
    network = NetworkSource(card="mlruns/networks/demo/card.json").load()
    root = Path("shards/demo")
    keys = KeyList.load(root, Manifest.load(root))
    batch = next(iter(EvalLoader(root, keys, np.arange(20), batch_size=20)))
    scores = auditor.score(network, batch["images"])
    expected = predicted[keys.key[batch["row"].numpy()]].to_numpy()
    torch.testing.assert_close(torch.tensor(scores), torch.tensor(expected), atol=1e-4, rtol=1e-4)


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


def test_null_draws_members_among_photos_never_seen(workspace: Path) -> None:
    assert main(["demo", "--identities", "240", "--epochs", "1", "--null"]) == 0
    scores = pq.read_table("mlruns/tables/demo_null/scores.parquet").to_pandas()
    trained = set(pq.read_table("mlruns/networks/demo/members.parquet")["key"].to_pylist())
    assert not trained & set(scores.key)
    assert scores.member.any()


def test_verify_passes_and_names_a_changed_byte(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "shards/demo"]) == 0
    shard = next((workspace / "shards/demo").glob("*.tar"))
    content = shard.read_bytes()
    try:
        shard.write_bytes(content[:700] + bytes([content[700] ^ 1]) + content[701:])
        assert main(["verify", "shards/demo"]) == 2
    finally:
        shard.write_bytes(content)
    assert shard.name in capsys.readouterr().out


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


def quick(*args: str) -> tuple[float, subprocess.CompletedProcess[str]]:
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "mint_lightning", *args], capture_output=True, text=True, check=False)
    return time.perf_counter() - start, done


def test_help_lists_every_command_with_examples() -> None:
    _, done = quick("--help")
    assert done.returncode == 0
    assert all(f"  {name}" in done.stdout for name in COMMANDS)
    assert "examples:" in done.stdout


@pytest.mark.parametrize(
    "args",
    [
        ("nonsense",),
        ("pack", "--sauce", "folder:x"),
        ("table", "--twins", "many"),
        ("demo", "--identities", "few"),
        ("train-audited", "--loss", "arc"),
        ("verify",),
        ("pack", "--config", "nowhere.yaml"),
    ],
)
def test_an_argument_error_is_one_sentence_and_needs_no_torch(args: tuple[str, ...]) -> None:
    code = f"""
import sys
from mint_lightning.cli import main
code = main({list(args)!r})
assert not {{"torch", "lightning", "mlflow"}} & set(sys.modules), "a heavy import for an argument error"
sys.exit(code)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--model.taps", "[conv9]"], "conv1, conv2, conv3, conv4, outcome"),
        (["--model.taps", "[conv4:map]"], "takes vectors"),
        (["--data.shards", "shards/nothing"], "shards/nothing"),
        (["--data.network.card", "nothing.json"], "nothing.json"),
        (["--data.batch_size", "100"], "batch_size"),
        (["--model.typo", "1"], "typo"),
        (["--data.members", "[nobody]", "--data.externals", "[externals]"], "nobody"),
        (["--ckpt_path", "missing.ckpt"], "missing.ckpt"),
    ],
)
def test_bad_input_to_fit_is_one_sentence(
    args: list[str], words: str, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", "--config", str(CONF / "faces_vanilla.yaml"), *FAST, "--name", "bad", *args]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("Error: ")
    assert words in error
    assert not Path("mlruns/auditors/bad").exists()


def test_a_config_of_the_benchmark_says_what_is_missing(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", "--config", str(CONF / "table_lfw.yaml")]) == 2
    assert "shards/lfw" in capsys.readouterr().err.strip().splitlines()[-1]


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


@pytest.mark.parametrize(
    "command",
    [
        ["fit", "--config", str(CONF / "faces_vanilla.yaml"), *FAST, "--name", "stopped"],
        ["table", "--config", str(CONF / "table_faces.yaml"), "--twins", "1", "--name", "stopped"],
    ],
)
def test_ctrl_c_while_heads_learn(command: list[str], workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mint_lightning.learning.mint.MINT.training_step", interrupted)
    monkeypatch.setattr("mint_lightning.learning.table.MINTTable.training_step", interrupted)
    assert main(command) == 130
    assert not [path for path in Path("mlruns").glob("*/*stopped*") if path.name != "stopped" or any(path.iterdir())]


def test_a_folder_of_something_else_is_not_replaced(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("precious").mkdir(exist_ok=True)
    Path("precious/thesis.txt").write_text("years")
    assert main(["table", "--config", str(CONF / "table_faces.yaml"), "--out", "precious"]) == 2
    assert Path("precious/thesis.txt").read_text() == "years"
    assert "stands in the way" in capsys.readouterr().err


def test_a_pickle_given_as_checkpoint_is_refused(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import pickle

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (Path("trapped"),))  # type: ignore[return-value]

    Path("trap.ckpt").write_bytes(pickle.dumps(Trap()))
    for command in ("fit", "validate", "test", "predict"):
        config = ["--config", str(CONF / "faces_vanilla.yaml"), *FAST, "--ckpt_path", "trap.ckpt"]
        assert main([command, *config]) == 2
        assert "trap.ckpt" in capsys.readouterr().err.strip().splitlines()[-1]
    assert not Path("trapped").exists()


def test_a_dead_tracking_store_costs_no_figures(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ["--rows", '[{"head": "norm"}]', "--twins", "1", "--name", "untracked"]
    command = ["table", "--config", str(CONF / "table_faces.yaml"), *rows]
    with monkeypatch.context() as dead:
        dead.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        assert main(command) == 2
    assert "mlruns/tables/untracked" in capsys.readouterr().err
    assert Path("mlruns/tables/untracked/table.json").is_file()
    assert main(command) == 0
    assert "Reused" in capsys.readouterr().out
    assert Path("mlruns/tables/untracked/run.json").is_file()


def test_ctrl_c_leaves_nothing_half_written(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mint_lightning.commands.publish.write_html", interrupted)
    rows = '[{"head": "norm"}]'
    config = ["--config", str(CONF / "table_faces.yaml"), "--rows", rows, "--twins", "1", "--name", "stopped"]
    assert main(["table", *config]) == 130
    assert [path.name for path in Path("mlruns/tables").iterdir() if "stopped" in path.name] == []


def test_a_full_disk_is_a_sentence(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mint_lightning.commands.publish.write_html", full)
    rows = '[{"head": "norm"}]'
    config = ["--config", str(CONF / "table_faces.yaml"), "--rows", rows, "--twins", "1", "--name", "full"]
    assert main(["table", *config]) == 2
    assert "No space left" in capsys.readouterr().err
    assert [path.name for path in Path("mlruns/tables").iterdir() if "full" in path.name] == []


def test_a_checkpoint_of_another_network_is_refused(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = ["--config", str(CONF / "faces_vanilla.yaml"), *FAST, "--name", "first"]
    assert main(["fit", *config]) == 0
    other = ["--data.network", '{"card": null, "architecture": "iresnet_small", "arguments": {"stem_stride": 4}}']
    groups = ["--data.members", "[members]", "--data.externals", "[externals]"]
    checkpoint = ["--ckpt_path", "mlruns/checkpoints/first/best.ckpt"]
    assert main(["test", *config, *other, *groups, *checkpoint]) == 2
    assert "init_from" in capsys.readouterr().err
    warm = ["--model.init_from", "mlruns/checkpoints/first/best.ckpt", "--name", "second"]
    assert main(["fit", *config, *other, *groups, *warm]) == 0


@pytest.mark.parametrize("command", ["validate", "test", "predict"])
def test_an_untrained_head_is_never_scored(command: str, workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--config", str(CONF / "faces_vanilla.yaml"), *FAST]) == 2
    assert "--ckpt_path is needed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--recipe", '{"epochs": 0}'], "epochs"),
        (["--recipe", '{"rate": .nan}'], "finite"),
        (["--recipe", '{"rate": 0}'], "rate"),
        (["--twins", "-1"], "twins"),
        (["--accelerator", "gpu"], "gpu"),
        (["--folds", "1"], "folds"),
        (["--name", "../up"], "without a slash"),
        (["--rows", '[{"head": "norm", "name": "a b"}, {"head": "agreement", "name": "a_b"}]'], "name of its own"),
        (["--rows", '[{"head": "vanilla", "taps": ["conv9"]}]'], "conv9"),
        (["--data.class_path", "os.system"], "class_path"),
    ],
)
def test_bad_input_to_table_is_one_sentence(
    args: list[str], words: str, workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    config = ["--config", str(CONF / "table_faces.yaml"), "--name", "bad_table"]
    assert main(["table", *config, *args]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("Error: ")
    assert words in error
    assert not Path("mlruns/tables/bad_table").exists()


def test_fit_runs_without_a_progress_bar(workspace: Path) -> None:
    quiet = ["--trainer.enable_progress_bar", "false", "--name", "quiet"]
    assert main(["fit", "--config", str(CONF / "faces_vanilla.yaml"), *FAST, *quiet]) == 0
