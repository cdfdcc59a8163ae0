"""CosFace and ArcFace against their formulas, written with angles."""

import math

import pytest
import torch
import torch.nn.functional as F

from mint_lightning.errors import UserError
from mint_lightning.learning.margin import MarginHead, arcface_logits, cosface_logits

pytestmark = pytest.mark.unit

SCALE, MARGIN = 16.0, 0.3


def angles(batch: int = 6, classes: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    theta = 0.05 + (math.pi - 0.1) * torch.rand(batch, classes, dtype=torch.float64, generator=generator)
    return theta, torch.arange(batch) % classes


def test_cosface_takes_the_margin_off_the_right_cosine_alone() -> None:
    theta, label = angles()
    expected = SCALE * theta.cos()
    for row, right in enumerate(label.tolist()):
        expected[row, right] = SCALE * (math.cos(theta[row, right]) - MARGIN)
    torch.testing.assert_close(cosface_logits(theta.cos(), label, scale=SCALE, margin=MARGIN), expected)


def test_arcface_widens_the_right_angle_alone() -> None:
    theta, label = angles()
    expected = SCALE * theta.cos()
    for row, right in enumerate(label.tolist()):
        angle = float(theta[row, right])
        widened = math.cos(angle + MARGIN) if angle + MARGIN < math.pi else math.cos(angle) - MARGIN * math.sin(MARGIN)
        expected[row, right] = SCALE * widened
    torch.testing.assert_close(arcface_logits(theta.cos(), label, scale=SCALE, margin=MARGIN), expected)


def test_arcfaces_right_logit_never_rises_with_the_angle() -> None:
    theta = torch.linspace(0, math.pi, 2001, dtype=torch.float64)
    cosine, label = theta.cos()[:, None], torch.zeros(2001, dtype=torch.int64)
    logit = arcface_logits(cosine, label, scale=1.0, margin=0.5)[:, 0]
    assert (logit.diff() <= 1e-12).all()


@pytest.mark.parametrize("logits", [cosface_logits, arcface_logits])
def test_without_a_margin_both_are_the_scaled_cosine(logits) -> None:  # type: ignore[no-untyped-def]
    theta, label = angles()
    torch.testing.assert_close(logits(theta.cos(), label, scale=SCALE, margin=0.0), SCALE * theta.cos())


@pytest.mark.parametrize("logits", [cosface_logits, arcface_logits])
def test_gradients_are_those_of_finite_differences(logits) -> None:  # type: ignore[no-untyped-def]
    theta, label = angles()
    cosine = theta.cos().requires_grad_()
    assert torch.autograd.gradcheck(lambda value: logits(value, label, scale=SCALE, margin=MARGIN), [cosine])


@pytest.mark.parametrize("edge", [1.0, -1.0])
def test_arcfaces_gradient_is_finite_at_the_ends_of_the_cosine(edge: float) -> None:
    cosine = torch.full((1, 2), edge, requires_grad=True)
    arcface_logits(cosine, torch.tensor([0]), scale=32.0, margin=0.5).sum().backward()
    assert cosine.grad is not None
    assert cosine.grad.isfinite().all()


@pytest.mark.parametrize("loss", ["cosface", "arcface"])
def test_the_loss_does_not_depend_on_lengths(loss: str) -> None:
    torch.manual_seed(0)
    head = MarginHead(8, 5, loss=loss, margin=MARGIN)
    embedding, label = torch.randn(6, 8), torch.arange(6) % 5
    value, cosine = head(embedding, label)
    with torch.no_grad():
        head.centres.mul_(7)
    longer, _ = head(3 * embedding, label)
    torch.testing.assert_close(value, longer)
    torch.testing.assert_close(cosine, F.normalize(embedding) @ F.normalize(head.centres).T)


@pytest.mark.parametrize("loss", ["cosface", "arcface"])
def test_the_margin_makes_the_loss_larger(loss: str) -> None:
    torch.manual_seed(0)
    head = MarginHead(8, 5, loss=loss, margin=0.0)
    embedding, label = torch.randn(6, 8), torch.arange(6) % 5
    plain = head(embedding, label)[0]
    head.margin = MARGIN
    assert head(embedding, label)[0] > plain


def test_bfloat16_embeddings_are_compared_in_float32() -> None:
    head = MarginHead(8, 5)
    loss, cosine = head(torch.randn(4, 8).bfloat16(), torch.arange(4))
    assert loss.dtype == cosine.dtype == torch.float32


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"loss": "softmax"}, "loss='softmax' is not known: give cosface or arcface"),
        ({"scale": 0.0}, "scale=0.0 must be a positive number"),
        ({"scale": math.nan}, "scale=nan must be"),
        ({"margin": -0.1}, "margin=-0.1 must lie between"),
        ({"margin": 2.0}, "margin=2.0 must lie between"),
    ],
)
def test_arguments_that_cannot_be_are_refused(arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        MarginHead(8, 5, **arguments)  # type: ignore[arg-type]
