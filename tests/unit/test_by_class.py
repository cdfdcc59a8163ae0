"""A head for each class: every photo through its own, alone."""

import pytest
import torch

from mint_lightning.errors import UserError
from mint_lightning.heads import ByClassHead, Draw, VanillaHead, build_head
from mint_lightning.learning import RowSpec
from mint_lightning.learning.labels import one_hot
from mint_lightning.learning.objective import head_loss

pytestmark = pytest.mark.unit


def batch(photos: int = 24, classes: int = 3, seed: int = 0):
    random = torch.Generator().manual_seed(seed)
    aad = torch.randn(photos, 5, generator=random)
    label = torch.randint(0, classes, (photos,), generator=random)
    return aad, label, one_hot(label, classes), torch.rand(photos, generator=random) > 0.5


def test_a_photo_goes_through_the_head_of_its_class():
    aad, label, hot, _ = batch()
    head = ByClassHead([[5], [3]]).eval()
    head.fit_standardisation([aad, hot])
    for number, own in enumerate(head.heads):
        rows = label == number
        alone = VanillaHead([[5]]).eval()
        alone.load_state_dict(own.state_dict())
        fresh = VanillaHead([[5]])
        fresh.fit_standardisation([aad[rows]])
        torch.testing.assert_close(own.standardise[0].mean, fresh.standardise[0].mean)
        torch.testing.assert_close(head([aad, hot]).logit[rows], alone([aad[rows]]).logit)


def test_each_head_learns_as_if_it_were_alone():
    aad, label, hot, member = batch()
    head = ByClassHead([[5], [3]], arguments={"dropout": 0.0, "l1": 0.1})
    loss = head_loss(head, [aad, hot], member, Draw(0, 0, 0, len(aad)))
    loss.backward()
    whole = 0.0
    for number, own in enumerate(head.heads):
        rows, alone = label == number, VanillaHead([[5]], dropout=0.0)
        alone.load_state_dict(own.state_dict())
        part = head_loss(alone, [aad[rows]], member[rows], None) * (rows.sum() / len(aad))
        part.backward()
        whole += float(part.detach())
        for mine, its in zip(own.parameters(), alone.parameters(), strict=True):
            torch.testing.assert_close(mine.grad, its.grad)
    assert float(loss.detach()) == pytest.approx(whole, rel=1e-5)


def test_dropout_masks_are_those_of_the_whole_batch():
    aad, _, hot, _ = batch()
    head = ByClassHead([[5], [3]]).train()
    head([aad, hot])
    both = head([aad, hot], Draw(0, 7, 0, 24)).logit
    halves = [head([aad[part], hot[part]], Draw(0, 7, part.start, 24)).logit for part in (slice(0, 12), slice(12, 24))]
    torch.testing.assert_close(both, torch.cat(halves))


def test_groups_share_a_head_and_unknown_classes_have_none():
    aad, label, hot, _ = batch()
    head = build_head(
        "by_class", [[5], [3]], ["layer7", "class"], {"groups": [0, 0, 1], "arguments": {"widths": [4]}}, 1
    ).eval()
    assert len(head.heads) == 2
    shared = head.heads[0]([aad[label < 2]]).logit
    torch.testing.assert_close(head([aad, hot]).logit[label < 2], shared)
    nobody = head([aad, one_hot(torch.full((24,), -1), 3)]).logit
    assert nobody.tolist() == [0.0] * 24
    again = build_head(
        "by_class", [[5], [3]], ["layer7", "class"], {"groups": [0, 0, 1], "arguments": {"widths": [4]}}, 1
    )
    again.load_state_dict(head.state_dict())
    torch.testing.assert_close(again.eval()([aad, hot]).logit, head([aad, hot]).logit)


@pytest.mark.parametrize(
    ("shapes", "arguments", "message"),
    [
        ([[5]], {}, r"need a tap to read and, last, the tap"),
        ([[5], [3]], {"of": "norm"}, r"of is 'norm'; heads by class are vanilla or cnn"),
        ([[5], [3]], {"groups": [0, 1]}, r"groups must give each of the 3 classes a number"),
        ([[5], [3]], {"groups": [0, 2, 2]}, r"from 0 on without a gap"),
        ([[5], [3]], {"arguments": {"wdth": 3}}, r"The vanilla heads by class cannot be made of"),
    ],
)
def test_what_cannot_be_is_refused(shapes, arguments, message):
    with pytest.raises(UserError, match=message):
        ByClassHead(shapes, **arguments)


@pytest.mark.parametrize(
    "taps", [["layer6", "layer7"], ["class", "layer7"], ["class", "class"], ["class"], ["layer7", "class", "outcome"]]
)
def test_a_row_by_class_ends_with_the_class(taps: list[str]) -> None:
    with pytest.raises(UserError, match="last, the class"):
        RowSpec("by_class", taps)


def test_groups_are_numbers() -> None:
    with pytest.raises(UserError, match="whole numbers"):
        build_head("by_class", [[5], [3]], ["layer7", "class"], {"groups": ["a", "b", "a"]})
