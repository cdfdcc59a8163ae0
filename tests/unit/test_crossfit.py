"""Folds that keep every identity whole."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mint_lightning.errors import UserError
from mint_lightning.evidence import folds

pytestmark = pytest.mark.unit


def photos(seed, people=60, largest=9):
    generator = np.random.default_rng(seed)
    identity = np.repeat(np.arange(people), generator.integers(1, largest + 1, people))
    source = np.where(identity % 3 == 0, "att", "lfw")
    return source, np.array([f"p{each}" for each in identity]), identity % 2 == 0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6))
def test_identities_stay_whole_and_classes_are_balanced(seed, k):
    source, identity, member = photos(seed)
    found = folds(source, identity, member, k=k, seed=seed)
    assert set(found) == set(range(k))
    for person in np.unique(identity):
        assert np.unique(found[identity == person]).size == 1
    for name in ("att", "lfw"):
        for group in (member, ~member):
            images = np.bincount(found[group & (source == name)], minlength=k)
            assert images.max() - images.min() <= 9


def test_folds_do_not_depend_on_the_order_of_images_but_on_the_seed():
    source, identity, member = photos(1)
    found = folds(source, identity, member, seed=3)
    order = np.random.default_rng(0).permutation(found.size)
    assert (folds(source[order], identity[order], member[order], seed=3) == found[order]).all()
    assert (folds(source, identity, member, seed=4) != found).any()


def test_the_same_name_in_two_sources_is_two_people():
    identity = np.array([f"p{each}" for each in np.tile(np.arange(10), 2)])
    source = np.repeat(["att", "lfw"], 10)
    found = folds(source, identity, np.repeat([True, False], 10), k=5)
    assert np.bincount(found, minlength=5).tolist() == [4] * 5


def test_an_identity_with_photos_of_both_kinds_stays_whole():
    identity = np.array([f"p{each}" for each in np.repeat(np.arange(20), 2)])
    member = np.tile([True, False], 20)
    found = folds(np.full(40, "lfw"), identity, member)
    assert (found[0::2] == found[1::2]).all()
    assert np.bincount(found).tolist() == [8] * 5


def test_too_few_identities_and_unequal_lengths_are_refused():
    with pytest.raises(UserError, match="5 folds need at least 5 identities of each class, but the externals have 2"):
        folds(np.full(12, "a"), np.arange(12), np.arange(12) < 10)
    with pytest.raises(UserError, match="one source, identity and label"):
        folds(["a"], ["p", "q"], [True, False])
