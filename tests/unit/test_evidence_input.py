"""What the evidence is made of: scores that pair up by key, and everything that makes no sense refused."""

from dataclasses import replace

import numpy as np
import pytest

from mint_lightning.errors import UserError
from mint_lightning.evidence import ScoreSet, weigh
from tests.unit.evidence_data import table

pytestmark = pytest.mark.unit


def test_controls_are_paired_by_key_whatever_their_order():
    rows, pixels, evidence = table(rows=1)
    order = np.random.default_rng(1).permutation(len(rows[0].audited))
    mixed = replace(rows[0], twins=tuple(twin.where(order) for twin in rows[0].twins))
    known = pixels[1][2].where(~pixels[1][2].unseen)
    again = weigh([mixed], [pixels[0], pixels[1]._replace(scores=known)], random_partition=True)
    assert again == evidence


def test_a_control_that_lacks_an_image_or_labels_it_otherwise_is_refused():
    rows, pixels, _ = table(rows=1)
    short = replace(rows[0], twins=(rows[0].twins[0].where(np.arange(5, len(rows[0].audited))),))
    with pytest.raises(UserError, match="twin 0 beside the row 'row 0' lack 5 of 800 images"):
        weigh([short], pixels, random_partition=True)
    flipped = replace(rows[0].twins[0], member=~rows[0].twins[0].member & ~rows[0].twins[0].unseen)
    with pytest.raises(UserError, match="another member"):
        weigh([replace(rows[0], twins=(flipped,))], pixels, random_partition=True)


def test_tables_that_cannot_be_weighed_are_refused():
    rows, pixels, _ = table(rows=1)
    with pytest.raises(UserError, match="at least one row"):
        weigh([], pixels, random_partition=True)
    with pytest.raises(UserError, match="Two rows are named 'row 0'"):
        weigh([rows[0], rows[0]], pixels, random_partition=True)
    members = replace(rows[0], audited=rows[0].audited.where(rows[0].audited.member), twins=(), complement=None)
    with pytest.raises(UserError, match="none are externals"):
        weigh([members], random_partition=True)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"score": np.array([0.1, np.nan, 0.2])}, "image 'k1' on 'net' is nan"),
        ({"member": np.array([True, False])}, r"3 keys but member of shape \(2,\)"),
        ({"unseen": np.array([True, False, False])}, "'k0' is marked as a member and as an unseen photo"),
        ({"split": np.array(["test", "fit", "test"])}, "split 'fit' holds no evidence"),
        ({"split": np.array(["test", "out-of-fold", "test"])}, "mix out-of-fold"),
        ({"key": np.array(["k0", "k1", "k0"])}, "image 'k0' has two scores"),
    ],
)
def test_scores_that_make_no_sense_are_refused(change, sentence):
    good = {
        "score": np.array([0.1, 0.3, 0.2]),
        "member": np.array([True, False, False]),
        "unseen": np.zeros(3, bool),
        "identity": np.array(["a/x", "a/y", "a/z"]),
        "split": np.full(3, "test"),
        "key": np.array(["k0", "k1", "k2"]),
    }
    ScoreSet(**good, network="net")
    with pytest.raises(UserError, match=sentence):
        ScoreSet(**(good | change), network="net")
