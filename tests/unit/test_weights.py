"""Weights files: what is read, what is refused, and that refusing runs no code and changes nothing."""

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from mint_lightning.audited import fingerprint, load_into, load_state
from mint_lightning.errors import UserError

pytestmark = pytest.mark.unit


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2))


def same(left: dict, right: dict) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[key], right[key]) for key in left)


@pytest.mark.parametrize("wrapper", [None, "state_dict", "net_state_dict", "model_state_dict"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_checkpoints_in_their_usual_wrappings(tmp_path: Path, wrapper: str | None, prefix: str) -> None:
    state = network().state_dict()
    named = {prefix + key: value for key, value in state.items()}
    torch.save({wrapper: named, "epoch": 3, "config": {"lr": 0.1}} if wrapper else named, tmp_path / "w.pt")
    assert same(load_state(tmp_path / "w.pt"), dict(state))


def test_safetensors_and_half_precision(tmp_path: Path) -> None:
    source, target = network(), network()
    half = {key: value.half() if value.is_floating_point() else value for key, value in source.state_dict().items()}
    save_file(half, tmp_path / "w.safetensors")
    load_into(target, load_state(tmp_path / "w.safetensors"), tmp_path / "w.safetensors")
    assert target[0].weight.dtype == torch.float32
    assert torch.equal(target[0].weight, source[0].weight.half().float())


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(2), "bomb": Bomb(tmp_path / "went_off")}, tmp_path / "w.pt")
    with pytest.raises(UserError, match=r"w\.pt holds Python objects that could run code"):
        load_state(tmp_path / "w.pt")
    torch.save(network(), tmp_path / "whole.pt")
    with pytest.raises(UserError, match=r"whole\.pt holds Python objects"):
        load_state(tmp_path / "whole.pt")
    assert not (tmp_path / "went_off").exists()


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:FutureWarning")
def test_an_archive_of_torch_export_is_refused(tmp_path: Path) -> None:
    exported = torch.export.export(nn.Sequential(nn.Conv2d(3, 4, 3)), (torch.zeros(1, 3, 8, 8),))
    torch.export.save(exported, tmp_path / "net.pt2")
    with pytest.raises(UserError, match=r"archive of torch\.export.*ONNX"):
        load_state(tmp_path / "net.pt2")


def test_torchscript_is_refused(tmp_path: Path) -> None:
    torch.jit.save(torch.jit.trace(nn.Linear(2, 2), torch.zeros(1, 2)), tmp_path / "w.pt")
    with pytest.raises(UserError, match="TorchScript"):
        load_state(tmp_path / "w.pt")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("form", ["safetensors", "zip", "legacy"])
def test_a_file_cut_short_is_named(tmp_path: Path, form: str, share: float) -> None:
    path = tmp_path / ("w.safetensors" if form == "safetensors" else "w.pt")
    if form == "safetensors":
        save_file(network().state_dict(), path)
    else:
        torch.save(network().state_dict(), path, _use_new_zipfile_serialization=form == "zip")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UserError, match=path.name):
        load_state(path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [([1, 2], "type list"), ({}, "empty dict"), ({"a": torch.zeros(1), "b": 3}, "'b' is an object of type int")],
)
def test_other_contents_are_named(tmp_path: Path, content: object, sentence: str) -> None:
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(UserError, match=sentence):
        load_state(tmp_path / "w.pt")


def test_other_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "text.pt").write_text("these are not weights")
    for path in (tmp_path / "text.pt", tmp_path / "absent.pt", tmp_path):
        with pytest.raises(UserError, match=path.name):
            load_state(path)


def test_names_and_shapes_that_do_not_fit_are_counted_and_nothing_is_loaded() -> None:
    target = network()
    before = fingerprint(target)
    state = {key: torch.ones_like(value) for key, value in target.state_dict().items()}
    state["2.weight"] = torch.ones(2, 5)
    state |= {f"head.{number}": torch.ones(1) for number in range(5)}
    del state["0.weight"], state["0.bias"]
    with pytest.raises(UserError) as caught:
        load_into(target, state, "w.pt")
    sentence = str(caught.value)
    assert "2 missing (0.weight, 0.bias)" in sentence
    assert "5 unexpected (head.0, head.1, head.2, ...)" in sentence
    assert "1 of another shape (2.weight (2, 5) instead of (2, 4))" in sentence
    assert "w.pt" in sentence
    assert fingerprint(target) == before


def test_old_checkpoints_without_batch_counters_load() -> None:
    state = {key: value for key, value in network().state_dict().items() if not key.endswith("num_batches_tracked")}
    target = network()
    load_into(target, state, "w.pt")
    assert torch.equal(target[0].weight, state["0.weight"])
