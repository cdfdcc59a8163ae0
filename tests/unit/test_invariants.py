"""Figures that do not depend on the order of channels: against numpy and scipy, and as a head."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax
from torch import Tensor

from mint_lightning.errors import UserError
from mint_lightning.heads import InvariantHead, build_head
from mint_lightning.heads.invariants import TINY, class_figures, disagreement, lengths, sorted_magnitudes, uncorrelated
from mint_lightning.learning import RowSpec

TAPS, SHAPES, VIEWS = ["conv1", "outcome", "batchnorm"], [[7], [5], [3]], ["flip", "blur"]


def drawn(photos: int, seed: int, shapes: list[list[int]] = SHAPES) -> list[Tensor]:
    """AAD in the order of `reads`: every tap of the original, then those of each view."""
    draw = torch.Generator().manual_seed(seed)
    original = [torch.rand((photos, *shape), generator=draw) * 4 - 1 for shape in shapes]
    viewed = [x + 0.1 * torch.randn(x.shape, generator=draw) for _ in VIEWS for x in original[:2]]
    return original + viewed


def head(**arguments: object) -> InvariantHead:
    torch.manual_seed(0)
    return InvariantHead(SHAPES, TAPS, VIEWS, **arguments)  # type: ignore[arg-type]


def test_correlation_is_numpys() -> None:
    a, b = torch.randn(6, 9, dtype=torch.double), torch.randn(6, 9, dtype=torch.double)
    wanted = [np.corrcoef(x, y)[0, 1] for x, y in zip(a.numpy(), b.numpy(), strict=True)]
    assert np.allclose(uncorrelated(a, b), 1 - np.array(wanted))
    assert uncorrelated(a, 3 * a + 2).max() < 1e-12
    assert torch.allclose(uncorrelated(a, -a), torch.full((6,), 2.0, dtype=torch.double))


def test_each_pair_of_views_is_compared() -> None:
    views = [torch.randn(4, 8) for _ in range(4)]
    assert disagreement(views).shape == (4, 6)
    assert disagreement(views[:1]).shape == (4, 0)
    assert torch.allclose(disagreement([views[0], views[0]]), torch.tensor(TINY).log(), atol=0.2)
    assert torch.allclose(lengths(views[:1]), (views[0].norm(dim=1, keepdim=True) + TINY).log())


def test_magnitudes_fall_and_have_the_mean_one_where_all_are_there() -> None:
    found = sorted_magnitudes(torch.randn(5, 12))
    assert found.shape == (5, 12)
    assert (found.diff(dim=1) <= 0).all()
    assert torch.allclose(found.mean(1), torch.ones(5), atol=1e-4)
    assert sorted_magnitudes(torch.randn(5, 100)).shape == (5, 16)


def test_the_odds_of_the_class_are_scipys() -> None:
    logits = [torch.randn(6, 4, dtype=torch.double) for _ in range(3)]
    label = torch.tensor([0, 3, 1, 2, 0, 1])
    found = class_figures(logits, torch.nn.functional.one_hot(label, 4).double())
    assert found.shape == (6, 8)
    for place, each in enumerate(logits):
        p = np.exp(log_softmax(each.numpy(), axis=1)[np.arange(6), label])
        assert np.allclose(found[:, place], np.log(p / (1 - p)))
    odds = found[:, :3].numpy()
    assert np.allclose(found[:, 6], odds.mean(1))
    assert np.allclose(found[:, 7], odds.std(1))
    unknown = class_figures(logits, torch.zeros(6, 4, dtype=torch.double))
    assert (unknown == 0).all()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_no_figure_depends_on_the_order_of_channels(seed: int) -> None:
    inputs, own = drawn(6, seed), head()
    order = {shape[0]: torch.randperm(shape[0], generator=torch.Generator().manual_seed(seed)) for shape in SHAPES[:2]}
    shuffled = [x[:, order[x.shape[1]]] if x.shape[1] in order else x for x in inputs]
    assert torch.allclose(own.figures(inputs), own.figures(shuffled), atol=2e-4)


def test_which_figures_are_read() -> None:
    sizes = {"length": 2 * 3, "agreement": 2 * 3, "shape": 2 * 4, "magnitudes": 5}
    for name, count in sizes.items():
        own = head(figures=[name])
        assert own.figures(drawn(4, 0)).shape == (4, count + 3), "and the distances of three BatchNorm layers"
    assert head().figures(drawn(4, 0)).shape == (4, sum(sizes.values()) + 3)
    with pytest.raises(UserError, match="no figures 'size'; known are length, agreement"):
        head(figures=["size"])
    with pytest.raises(UserError, match="agreement alone and no views"):
        InvariantHead([[7]], ["conv1"], [], ["agreement"])


def test_what_is_read() -> None:
    assert InvariantHead.reads(TAPS, {"views": VIEWS}) == [
        *(("original", tap) for tap in TAPS),
        *((view, tap) for view in VIEWS for tap in TAPS[:2]),
    ]


@pytest.mark.parametrize("published", [False, True])
def test_a_head_learns_what_distinguishes_lengths_and_is_kept_whole(published: bool) -> None:
    arguments = {"views": VIEWS, "widths": [8], "dropout": 0.1, "published": published}
    own = build_head("invariant", SHAPES, TAPS, arguments)
    inputs = drawn(400, 1)
    member = torch.rand(400, generator=torch.Generator().manual_seed(2)) < 0.5
    inputs = [x * torch.where(member, 1.3, 1.0)[:, None] for x in inputs]
    own.fit_standardisation(inputs)
    optimizer = torch.optim.AdamW(own.parameters(), lr=0.02)
    for _ in range(150):
        logit, penalty = own(inputs)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logit, member.float()) + penalty
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    own.eval()
    fresh = drawn(200, 3)
    longer = [1.3 * x for x in fresh]
    assert (own(longer).logit > own(fresh).logit).float().mean() > 0.9
    again = build_head("invariant", SHAPES, TAPS, arguments)
    again.load_state_dict(own.state_dict())
    assert torch.equal(again.eval()(fresh).logit, own(fresh).logit)


def test_activations_of_nothing_give_finite_figures() -> None:
    nothing = [torch.zeros_like(x) for x in drawn(3, 0)]
    assert head().figures(nothing).isfinite().all()
    huge = [torch.full_like(x, 1e15) for x in drawn(3, 0)]
    assert head().figures(huge).isfinite().all()


def test_the_class_conditions_a_head_on_logits_alone() -> None:
    taps = ["layer1", "outcome", "class"]
    assert (
        InvariantHead([[7], [5], [5]], taps, VIEWS)
        .figures(
            [torch.rand(2, 7), torch.rand(2, 5), torch.eye(5)[:2], *[torch.rand(2, n) for _ in VIEWS for n in (7, 5)]]
        )
        .shape[0]
        == 2
    )
    with pytest.raises(UserError, match="must be the class logits"):
        InvariantHead([[7], [5], [3]], taps, VIEWS)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"views": ["flip", "flip"]}, "name each variant once"),
        ({"views": ["original"]}, "name each variant once"),
        ({"views": ["mirror"]}, "no view 'mirror'"),
        ({"l1": 0.1}, "has no argument 'l1'; it has views, figures, widths, dropout, published"),
    ],
)
def test_a_row_of_wrong_arguments_is_refused(row: dict[str, object], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        RowSpec("invariant", ["conv1"], arguments=row)


def test_heads_of_no_tap_or_of_maps_are_refused() -> None:
    with pytest.raises(UserError, match='write the tap as "conv4"'):
        InvariantHead([[3, 4, 4]], ["conv4:map"])
    with pytest.raises(UserError, match="needs a tap of the network"):
        InvariantHead([[3]], ["batchnorm"])


def test_a_row_says_what_it_reads() -> None:
    row = RowSpec("invariant", ["all_conv", "outcome", "batchnorm"], arguments={"views": ["flip"]})
    assert row.title == "Invariants all conv + outcome + batchnorm"
    row = row.on(["conv1", "conv2", "outcome"])
    assert row.title == "Invariants all conv + outcome + batchnorm"
    assert row.views == ["original", "flip"]
    assert ("flip", "conv2") in row.requests("outcome")
    assert ("flip", "batchnorm") not in row.requests("outcome")
