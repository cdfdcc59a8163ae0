"""Networks from their cards: everything comes back, and what is damaged, moved or missing is explained."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from mint_lightning.audited import IRESNET_TAPS, NetworkSource, Preprocessing, iresnet_small
from mint_lightning.errors import UserError
from tests.network_card import ARGUMENTS, small_network

pytestmark = pytest.mark.unit


@pytest.fixture
def card(tmp_path: Path) -> Path:
    return small_network(tmp_path)


def change(card: Path, **values: object) -> None:
    card.write_text(json.dumps({**json.loads(card.read_text()), **values}))


def test_a_card_gives_everything(card: Path) -> None:
    network = NetworkSource(card=str(card)).load()
    assert network.name == "A"
    assert network.tap_names == tuple(IRESNET_TAPS)
    assert network.preprocessing == Preprocessing(size=(32, 32), channels="BGR")
    assert network.card is not None
    assert network.card.members == {"photos": ["a-1"]}
    torch.manual_seed(3)
    expected = iresnet_small(**ARGUMENTS).eval()
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    with torch.no_grad():
        torch.testing.assert_close(network.embed(images), expected((images.flip(1).float() - 127.5) / 127.5))
    assert NetworkSource(card=str(card.parent)).load().fingerprint() == network.fingerprint()


def test_a_loaded_networks_card_loads_it_again(card: Path, tmp_path: Path) -> None:
    network = NetworkSource(card=str(card), taps={"deep": "layer4"}, name="mine").load()
    network.card.save(tmp_path / "elsewhere" / "card.json")
    assert str(tmp_path) not in (tmp_path / "elsewhere" / "card.json").read_text()
    again = NetworkSource(card=str(tmp_path / "elsewhere"), bf16=True).load()
    assert (again.name, again.taps, again.uses_bf16) == ("mine", {"deep": "layer4"}, True)
    assert again.fingerprint() == network.fingerprint()


def test_weights_of_a_card_may_have_moved_but_not_changed(card: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved.safetensors"
    (tmp_path / "weights.safetensors").rename(moved)
    with pytest.raises(UserError, match=r"no weights file at .*weights\.safetensors, which the card 'A' names"):
        NetworkSource(card=str(card)).load()
    assert NetworkSource(card=str(card), weights=str(moved)).load().name == "A"
    save_file(iresnet_small(**ARGUMENTS).state_dict(), moved)
    with pytest.raises(UserError, match=r"moved\.safetensors are not those of the card 'A': their sha256"):
        NetworkSource(card=str(card), weights=str(moved)).load()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"schema_version": 2}, "schema_version 2; this version of the program reads 1"),
        ({"wieghts": None}, "unknown key 'wieghts'"),
        ({"architecture": 3}, "architecture must be text"),
        ({"arguments": None}, "arguments must be an object"),
        ({"taps": {}}, "taps must name at least one tap"),
        ({"taps": {"conv1": 1}}, "taps must name at least one tap"),
        ({"weights": "w.pt"}, "weights must be null or an object of file and sha256"),
        ({"preprocessing": {"size": [32, 32], "gamma": 1}}, "preprocessing has the unknown key 'gamma'"),
        ({"taps": {"conv1": "layer9"}}, "no module 'layer9' for its tap 'conv1'"),
        ({"architecture": "iresnet_smal"}, "did you mean iresnet_small"),
    ],
)
def test_a_damaged_card_is_explained(card: Path, values: dict, sentence: str) -> None:
    change(card, **values)
    with pytest.raises(UserError, match=sentence):
        NetworkSource(card=str(card)).load()


def test_a_missing_card_and_key_are_named(card: Path) -> None:
    values = json.loads(card.read_text())
    del values["taps"]
    card.write_text(json.dumps(values))
    with pytest.raises(UserError, match=r"card\.json lacks the key 'taps'"):
        NetworkSource(card=str(card)).load()
    with pytest.raises(UserError, match=r"no network card at .*absent\.json"):
        NetworkSource(card=str(card.parent / "absent.json")).load()
