"""What the commands refuse: one sentence, nothing written, nothing of somebody else's touched."""

from pathlib import Path

import pytest

from mint_lightning.auditor import load_auditor
from mint_lightning.cli import main
from mint_lightning.files import sha256_file
from mint_lightning.tracking import open_store
from tests.integration.conftest import CONF, FAST

pytestmark = pytest.mark.integration


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
        (
            ["--rows", '[{"head": "norm", "name": "a b"}, {"head": "agreement", "name": "a_b"}]'],
            "would have one folder",
        ),
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


def test_a_config_of_the_benchmark_says_what_is_missing(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", "--config", str(CONF / "table_lfw.yaml")]) == 2
    assert "shards/lfw" in capsys.readouterr().err.strip().splitlines()[-1]


@pytest.mark.parametrize("command", ["validate", "test", "predict"])
def test_an_untrained_head_is_never_scored(command: str, workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--config", str(CONF / "faces_vanilla.yaml"), *FAST]) == 2
    assert "--ckpt_path is needed" in capsys.readouterr().err


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
    warm = ["--model.init_from", "mlruns/auditors/first", "--name", "third"]
    assert main(["fit", *config, *other, *groups, *warm]) == 0
    taught = load_auditor(Path("mlruns/auditors/first")).card.fingerprint
    files = {
        "second": Path("mlruns/checkpoints/first/best.ckpt"),
        "third": Path("mlruns/auditors/first/head.safetensors"),
    }
    for name, file in files.items():
        client = open_store().client
        experiments = [each.experiment_id for each in client.search_experiments()]
        (run,) = client.search_runs(experiments, f"attributes.run_name = '{name}'")
        assert run.data.tags["parent_sha256"] == sha256_file(file)
        assert run.data.tags["parent_fingerprint"] == taught
        assert run.data.tags["parent"] in (str(file), str(file.parent))
        assert run.data.params["fingerprint"] != taught


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


def test_a_folder_of_something_else_is_not_replaced(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("precious").mkdir(exist_ok=True)
    Path("precious/thesis.txt").write_text("years")
    assert main(["table", "--config", str(CONF / "table_faces.yaml"), "--out", "precious"]) == 2
    assert Path("precious/thesis.txt").read_text() == "years"
    assert "stands in the way" in capsys.readouterr().err
