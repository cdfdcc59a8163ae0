"""The auditor's folder: whole, checked, and bound to its network."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from mint_lightning.audited import AuditedNetwork
from mint_lightning.auditor import Auditor, AuditorCard, load_auditor, save_auditor
from mint_lightning.errors import UserError
from mint_lightning.evidence import ScoreSet
from mint_lightning.heads import MeanHead, VanillaHead

pytestmark = pytest.mark.unit


def network(seed: int = 0) -> AuditedNetwork:
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Conv2d(3, 4, 3, stride=4), nn.ReLU(), nn.Flatten(), nn.LazyLinear(5))
    module(torch.zeros(1, 3, 32, 32))
    from mint_lightning.audited import Preprocessing

    return AuditedNetwork(module, taps={"conv1": "1", "outcome": "3"}, preprocessing=Preprocessing(size=(32, 32)))


def scores(n: int = 12) -> ScoreSet:
    return ScoreSet(
        score=np.linspace(-1, 1, n),
        member=np.arange(n) % 2 == 0,
        unseen=np.zeros(n, bool),
        identity=np.array([f"s/{i // 2}{i % 2}" for i in range(n)]),
        split=np.full(n, "calibrate"),
        key=np.array([f"k{i}" for i in range(n)]),
        network="audited",
    )


def card(audited: AuditedNetwork, kind: str = "vanilla") -> AuditorCard:
    return AuditorCard(
        name="Vanilla conv1",
        kind=kind,
        arguments={"l1": 0.0} if kind == "vanilla" else {},
        shapes=[[4]] if kind == "vanilla" else [],
        taps=["conv1"] if kind == "vanilla" else [],
        views=["original", "flip"] if kind == "agreement" else ["original"],
        embedding="outcome",
        network={"name": audited.name, "fingerprint": audited.fingerprint(), "card": None},
        pixels={"image_size": 32, "alignment": "drawn", "border": "none", "encoder": "png"},
        membership={"how": "test", "random_partition": False, "shards": "x", "partition_hash": "y"},
        evidence=None,
        limits=["One."],
    )


def saved(folder: Path, kind: str = "vanilla") -> tuple[Auditor, AuditedNetwork, VanillaHead | None]:
    audited = network()
    head = VanillaHead([(4,)], l1=0.0).eval() if kind == "vanilla" else None
    if head is not None:
        head.fit_standardisation([torch.randn(30, 4)])
    save_auditor(folder, card(audited, kind), head, scores())
    return load_auditor(folder), audited, head


def test_it_scores_as_the_head_does(tmp_path: Path) -> None:
    auditor, audited, head = saved(tmp_path / "a")
    images = torch.randint(0, 256, (6, 3, 32, 32), dtype=torch.uint8)
    aad = audited(images, ["conv1"])["original"]["conv1"]
    assert head is not None
    expected = head([aad]).logit.detach().double().numpy()
    np.testing.assert_allclose(auditor.score(audited, images), expected, rtol=1e-6)
    assert auditor.calibration.key.tolist() == scores().key.tolist()
    assert auditor.card == card(audited)


def test_several_heads_are_one_auditor(tmp_path: Path) -> None:
    audited, heads = network(), [VanillaHead([(4,)], l1=0.0) for _ in range(3)]
    for head in heads:
        head.fit_standardisation([torch.randn(30, 4)])
    save_auditor(tmp_path / "a", replace(card(audited), heads=3), MeanHead(heads).eval(), scores())
    images = torch.randint(0, 256, (6, 3, 32, 32), dtype=torch.uint8)
    aad = audited(images, ["conv1"])["original"]["conv1"]
    expected = torch.stack([head.eval()([aad]).logit for head in heads]).mean(0).detach().double().numpy()
    np.testing.assert_allclose(load_auditor(tmp_path / "a").score(audited, images), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("heads", ["3", 2.5, 0, 10**9, True, 2])
def test_a_number_of_heads_that_cannot_be(tmp_path: Path, heads: object) -> None:
    saved(tmp_path / "a")
    document = json.loads((tmp_path / "a/auditor.json").read_text())
    (tmp_path / "a/auditor.json").write_text(json.dumps(document | {"heads": heads}))
    wrong = "1 to 100" if type(heads) is int and heads != 2 else "not the one" if heads == 2 else "heads cannot be"
    with pytest.raises(UserError, match=wrong):
        load_auditor(tmp_path / "a")


@pytest.mark.parametrize("kind", ["norm", "agreement"])
def test_a_score_is_an_auditor_too(tmp_path: Path, kind: str) -> None:
    auditor, audited, _ = saved(tmp_path / "a", kind)
    images = torch.randint(0, 256, (6, 3, 32, 32), dtype=torch.uint8)
    e, f = audited.embed(images), audited.embed(images.flip(3))
    expected = e.norm(dim=1) if kind == "norm" else torch.cosine_similarity(e, f)
    np.testing.assert_allclose(auditor.score(audited, images), expected.double().numpy(), rtol=1e-5)


def test_another_network_is_refused(tmp_path: Path) -> None:
    auditor, *_ = saved(tmp_path / "a")
    with pytest.raises(UserError, match="another network"):
        auditor.score(network(seed=1), torch.zeros(1, 3, 32, 32, dtype=torch.uint8))


@pytest.mark.parametrize("name", ["head.safetensors", "scores.parquet"])
def test_a_changed_or_missing_file_is_named(tmp_path: Path, name: str) -> None:
    saved(tmp_path / "a")
    file = tmp_path / "a" / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(UserError, match=name):
        load_auditor(tmp_path / "a")
    file.unlink()
    with pytest.raises(UserError, match=name):
        load_auditor(tmp_path / "a")


def test_another_schema_is_refused(tmp_path: Path) -> None:
    saved(tmp_path / "a")
    path = tmp_path / "a" / "auditor.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema_version": 9}))
    with pytest.raises(UserError, match="schema version 9"):
        load_auditor(tmp_path / "a")


def test_a_head_goes_with_its_kind(tmp_path: Path) -> None:
    audited = network()
    with pytest.raises(UserError, match="needs a head"):
        save_auditor(tmp_path / "a", card(audited), None, scores())
    with pytest.raises(UserError, match="has no head"):
        save_auditor(tmp_path / "a", replace(card(audited), kind="norm"), VanillaHead([(4,)]), scores())
    assert not (tmp_path / "a").exists()
