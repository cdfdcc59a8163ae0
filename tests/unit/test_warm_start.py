"""A head that begins with the layers of another."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from mint_lightning.errors import UserError
from mint_lightning.heads import CNNHead, VanillaHead
from mint_lightning.learning.initial import warm_start

pytestmark = pytest.mark.unit


def saved(path: Path, head: torch.nn.Module) -> str:
    save_file({f"head.{name}": value.contiguous() for name, value in head.state_dict().items()}, path)
    return str(path)


def test_a_head_of_the_same_form_is_taken_whole(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    other, head = VanillaHead([[8]], None, 0.3, 0.1), VanillaHead([[8]], None, 0.3, 0.1)
    assert warm_start(head, saved(tmp_path / "h.safetensors", other)) == []
    for name, value in head.state_dict().items():
        if not name.startswith("standardise."):
            torch.testing.assert_close(value, other.state_dict()[name])
    assert not recwarn.list
    assert warm_start(head, None) == []


def test_layers_of_other_shapes_begin_anew_and_are_named(tmp_path: Path) -> None:
    other, head = VanillaHead([[8]], [64, 16], 0.3, 0.1), VanillaHead([[12]], [64, 16], 0.3, 0.1)
    before = {name: value.clone() for name, value in head.state_dict().items()}
    with pytest.warns(UserWarning, match="begin anew") as caught:
        anew = warm_start(head, saved(tmp_path / "h.safetensors", other))
    own = [name for name in before if not name.startswith("standardise.")]
    assert anew == [name for name in own if before[name].shape != other.state_dict()[name].shape]
    assert 0 < len(anew) < len(own)
    assert all(name in str(caught[0].message) for name in anew)
    for name in own:
        expected = before[name] if name in anew else other.state_dict()[name]
        torch.testing.assert_close(head.state_dict()[name], expected)


def test_a_head_of_which_nothing_fits_is_refused(tmp_path: Path) -> None:
    other = CNNHead([[3, 8, 8]], (2, 3), width=4)
    with pytest.raises(UserError, match="Nothing of the head"):
        warm_start(VanillaHead([[12]], [7], 0.3, 0.1), saved(tmp_path / "h.safetensors", other))
