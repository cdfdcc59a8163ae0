"""A head on several photos of one person: the order of photos, what it learns, what it refuses."""

import numpy as np
import pytest
import torch
from torch import Tensor

from mint_lightning.auditor.kinds import KINDS
from mint_lightning.errors import UserError
from mint_lightning.evidence.scores import similarity
from mint_lightning.heads import PersonHead, build_head, of_one, view_and_step, with_beside
from mint_lightning.learning import RowSpec

SHAPES, TAPS = [[7], [5]], ["conv4", "outcome"]


def inputs(head: PersonHead, people: int, likeness: float, seed: int) -> list[Tensor]:
    """AAD in the order of `reads`: each photo is a person's own vector and noise."""
    draw = torch.Generator().manual_seed(seed)
    own = [torch.randn(people, *shape, generator=draw) for shape in SHAPES]
    found = []
    for _ in range(head.photos):
        photo = [likeness * each + torch.randn(each.shape, generator=draw) for each in own]
        for view in range(1 + len(head.views)):
            found += [each + 0.1 * view * torch.randn(each.shape, generator=draw) for each in photo]
    return found


def reordered(head: PersonHead, given: list[Tensor], order: list[int]) -> list[Tensor]:
    size = len(SHAPES) * (1 + len(head.views))
    photos = [given[start : start + size] for start in range(0, len(given), size)]
    return [aad for place in order for aad in photos[place]]


@pytest.mark.parametrize("views", [[], ["flip", "blur"]])
def test_the_order_of_the_photos_does_not_matter(views: list[str]) -> None:
    head = PersonHead(SHAPES, 4, views)
    given = inputs(head, 6, 1.0, 0)
    figures = head.figures(given)
    assert figures.shape == (6, head.layers[0].in_features)  # type: ignore[union-attr]
    assert torch.allclose(figures, head.figures(reordered(head, given, [2, 0, 3, 1])), atol=1e-4)


def test_a_new_photo_stands_against_the_others() -> None:
    head = PersonHead(SHAPES, 4, new=True)
    given = inputs(head, 6, 1.0, 0)
    assert torch.allclose(head.figures(given), head.figures(reordered(head, given, [0, 3, 1, 2])), atol=1e-4)
    assert not torch.allclose(head.figures(given), head.figures(reordered(head, given, [1, 0, 2, 3])), atol=1e-2)
    assert PersonHead(SHAPES, 3, new=True).figures(inputs(PersonHead(SHAPES, 3), 2, 1.0, 0)).isfinite().all()


def test_what_is_read_of_each_photo() -> None:
    reads = PersonHead.reads(TAPS, {"photos": 3, "views": ["flip"]})
    assert reads[:4] == [("original", "conv4"), ("original", "outcome"), ("flip", "conv4"), ("flip", "outcome")]
    assert reads[-1] == ("flip+2", "outcome")
    assert len(reads) == len(PersonHead(SHAPES, 3, ["flip"]).input_shapes) == 12
    assert of_one(reads) == reads[:4]
    assert view_and_step("flip+12") == ("flip", 12)
    assert view_and_step("original") == ("original", 0)
    assert with_beside([("original", "x")], 2) == [("original", "x"), ("original+1", "x")]


def test_it_finds_people_whose_photos_are_alike() -> None:
    torch.manual_seed(0)
    arguments = {"photos": 4, "widths": [8], "dropout": 0.1}
    head = build_head("person", SHAPES, TAPS, arguments)
    assert isinstance(head, PersonHead)
    known, strange = inputs(head, 300, 1.5, 1), inputs(head, 300, 0.7, 2)
    both = [torch.cat(pair) for pair in zip(known, strange, strict=True)]
    member = torch.arange(600) < 300
    head.fit_standardisation(both)
    optimizer = torch.optim.AdamW(head.parameters(), lr=0.02)
    for _ in range(100):
        logit, _ = head(both)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logit, member.float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    head.eval()
    pairs = zip(head(inputs(head, 200, 1.5, 3)).logit, head(inputs(head, 200, 0.7, 4)).logit, strict=True)
    assert np.mean([float(a > b) for a, b in pairs]) > 0.8
    again = build_head("person", SHAPES, TAPS, arguments)
    again.load_state_dict(head.state_dict())
    assert torch.equal(again.eval()(both).logit, head(both).logit)


def test_similarity_is_the_mean_cosine() -> None:
    photos = [np.random.default_rng(seed).normal(size=(5, 8)) for seed in range(3)]
    lengths = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in photos]
    wanted = sum((lengths[a] * lengths[b]).sum(1) for a, b in ((0, 1), (0, 2), (1, 2))) / 3
    assert np.allclose(similarity(photos), wanted)
    assert np.allclose(KINDS["similarity"].compute(photos[::-1], None), wanted)


def test_rows_of_several_photos() -> None:
    row = RowSpec("person", ["conv4", "outcome"], arguments={"photos": 8})
    assert (row.title, row.set_size) == ("Person of 8 photos conv4 + outcome", 8)
    assert row.requests("outcome") == [("original", "conv4"), ("original", "outcome")]
    score = RowSpec("similarity", photos=2)
    assert (score.title, score.set_size) == ("Similarity of 2 photos", 2)
    assert score.requests("embedding") == [("original", "embedding")]
    assert score.read_of("embedding") == [("original", "embedding"), ("original+1", "embedding")]
    assert RowSpec("similarity").set_size == 4
    assert RowSpec("norm").set_size == 1
    for wrong in (
        {"head": "norm", "photos": 2},
        {"head": "similarity", "photos": 1},
        {"head": "similarity", "photos": 99},
    ):
        with pytest.raises(UserError, match="photos is"):
            RowSpec(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"photos": 1}, "photos is 1; a person head reads 2 to 32"),
        ({"photos": 2, "new": True}, "photos is 2; a person head reads 3 to 32"),
        ({"photos": 33}, "photos is 33"),
        ({"views": ["flip", "flip"]}, "name each variant once"),
        ({"views": ["original"]}, "name each variant once"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        PersonHead(SHAPES, **arguments)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="not maps"):
        PersonHead([[3, 2, 2]])
