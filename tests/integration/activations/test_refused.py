"""What a store lacks is told in a sentence, with what it has and the command that brings the rest."""

import json
import shlex
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from datamodules.activations import completes
from mint_lightning.audited import NetworkSource
from mint_lightning.cli import main
from mint_lightning.errors import UserError
from tests.membership_set import partitioned_set
from tests.small_activations import network, stored

pytestmark = pytest.mark.integration

HELD = "conv4 in float32, conv4:map in float16, outcome .flip. in float32, outcome in float32"


@pytest.mark.parametrize(
    ("taps", "changes", "words"),
    [
        (["conv1", "conv4"], {}, f"no AAD of conv1 of .* it holds {HELD};"),
        (["outcome"], {"views": ["original", "shift"]}, rf"no AAD of outcome \(shift\) of .* it holds {HELD};"),
        (["conv4:mean_std"], {}, "no AAD of conv4:mean_std of .* it holds"),
        (["outcome"], {"network": network(aad_dtype="float16")}, f"it holds {HELD};"),
        (["outcome"], {"network": network(seed=2)}, "entries are of other networks;"),
        (["outcome"], {"network": network(preprocessing={"channels": "BGR"})}, "are of another preprocessing;"),
        (["outcome"], {"network": network(bf16=True)}, "are of another precision;"),
        (["outcome"], {"store": "nowhere"}, "There is no activation store at nowhere:"),
    ],
)
def test_what_is_not_there_is_refused(
    taps: list[str], changes: dict[str, Any], words: str, shards: Path, store: Path
) -> None:
    with pytest.raises(UserError, match=words) as refused:
        stored(shards, changes.pop("store", store), taps, **changes)
    assert "mint-lightning table" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_other_shards_and_an_empty_store_are_refused(store: Path, shards: Path, tmp_path: Path) -> None:
    other = partitioned_set(tmp_path / "other", identities=80)
    with pytest.raises(UserError, match="are of other shard sets;"):
        stored(other, store, ["outcome"])
    (tmp_path / "empty/aad").mkdir(parents=True)
    with pytest.raises(UserError, match="it is empty;"):
        stored(shards, tmp_path / "empty", ["outcome"])


def test_activations_of_another_version_of_the_program_are_refused(
    shards: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mint_lightning.learning.stored.sources_hash", lambda *rooms: "0" * 64)
    with pytest.raises(UserError, match="are of another version of this program;"):
        stored(shards, store, ["outcome"])


def test_an_automatic_precision_is_the_one_that_is_stored(shards: Path, store: Path) -> None:
    data = stored(shards, store, ["outcome"], network=network(bf16="auto"))
    assert {entry.key.precision for entry in data.stored.entries.values()} == {"float32"}


def lose(store: Path, copy: Path, module: str, images: int) -> Path:
    """A copy of the store whose entry of a tap lacks its first images."""
    shutil.copytree(store, copy)
    (part,) = copy.glob(f"aad/*-original-{module}-max-*/*.safetensors")
    with safe_open(part, framework="pt") as file:
        meta = file.metadata()
    save_file({name: value[images:] for name, value in load_file(part).items()}, part, meta)
    return copy


@pytest.mark.parametrize("lost", [3, 100])
def test_a_partial_store_names_the_command_that_completes_it(
    lost: int, shards: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    partial = lose(store, tmp_path / "my store", "features", lost)
    with pytest.raises(UserError, match=rf"lacks {lost} of \d+ images at outcome: `mint-lightning table") as refused:
        stored(shards, partial, ["conv4", "outcome"])
    if lost == 3:
        command = shlex.split(str(refused.value).split("`")[1])
        assert main([*command[1:], "--accelerator", "cpu", "--data.workers", "0"]) == 0
        stored(shards, partial, ["conv4", "outcome"])


def test_the_command_names_all_that_decides_which_photos_are_read() -> None:
    who = {"members": ["A"], "externals": ["B"], "unseen": None, "split_by": "photo", "null_seed": 0, "batch_size": 128}
    source, views = NetworkSource(card="a"), ["original"]
    words = shlex.split(completes(Path("a store"), "set", source, ["conv4:map"], views, who).split("`")[1])
    given = dict(pairwise(words))
    assert {name.removeprefix("--data."): value for name, value in given.items() if name.startswith("--data.")} == {
        "class_path": "datamodules.Faces",
        "shards": "set",
        "network": '{"card": "a"}',
        "members": '["A"]',
        "externals": '["B"]',
        "split_by": "photo",
        "null_seed": "0",
    }
    assert json.loads(given["--rows"]) == [{"head": "cnn", "taps": ["conv4:map"]}]
    assert given["--store"] == "a store"


def test_a_table_is_made_of_photos(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = {"shards": "shards/demo", "network": {"card": "mlruns/networks/demo/card.json"}, "taps": ["conv4"]}
    data = {"class_path": "datamodules.Activations", "init_args": data}
    assert main(["table", "--data", json.dumps(data), "--name", "of_store"]) == 2
    assert "give it datamodules.Faces" in capsys.readouterr().err
