"""Who stands beside a photo: properties that hold for every set of people, and drawn sets."""

from types import SimpleNamespace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mint_lightning.learning.rings import NOBODY, Rings

KINDS = ("member", "external", "unseen")


def drawn(people: list[list[int]]) -> tuple[SimpleNamespace, NDArray[np.int64]]:
    """A DataModule's facts of `people`: for each the kinds of the person's photos; one photo in nine cannot be read."""
    label = np.array([number for number, own in enumerate(people) for _ in own], np.int64)
    kind = np.array([which for own in people for which in own])
    split = np.array(["fit" if number % 3 else "test" for number in label], dtype=str)
    key = np.array([f"photo {row}" for row in range(len(label))], dtype=str)
    keys = SimpleNamespace(label=label, split=split, key=key)
    groups = SimpleNamespace(used=np.arange(len(label)))
    data = SimpleNamespace(keys=SizedKeys(keys), member=kind == 0, unseen=kind == 2, groups=groups)
    return data, np.flatnonzero(np.arange(len(label)) % 9 != 4)


class SizedKeys(SimpleNamespace):
    def __init__(self, keys: SimpleNamespace) -> None:
        super().__init__(**vars(keys))

    def __len__(self) -> int:
        return len(self.label)


def side(number: int) -> st.SearchStrategy[list[int]]:
    kinds = st.sampled_from([0, 2]) if number % 2 else st.just(1)
    return st.lists(kinds, min_size=1, max_size=9)


PEOPLE = st.lists(st.booleans(), min_size=1, max_size=12).flatmap(
    lambda sides: st.tuples(*(side(int(inside)) for inside in sides)).map(list)
)


@settings(max_examples=60, deadline=None)
@given(people=PEOPLE, photos=st.integers(1, 5))
def test_a_set_is_of_different_photos_of_one_person_and_side(people: list[list[int]], photos: int) -> None:
    data, readable = drawn(people)
    rings = Rings.of(data, readable)
    rows = rings.whole(readable, photos)
    sets = np.stack([rows, *(rings.beside(rows, step) for step in range(1, photos))], axis=1)
    assert all(len(set(own)) == photos for own in sets.tolist())
    assert np.isin(sets, readable).all()
    for column in (data.keys.label, data.keys.split, data.member | data.unseen):
        assert (column[sets] == column[sets[:, :1]]).all()
    assert not data.unseen[sets[:, 1:]].any(), "beside a photo stand photos of fit, never unseen ones"


@settings(max_examples=60, deadline=None)
@given(people=PEOPLE, photos=st.integers(1, 5))
def test_everybody_who_has_the_photos_is_asked_about_once(people: list[list[int]], photos: int) -> None:
    data, readable = drawn(people)
    rings = Rings.of(data, readable)
    whole, once = rings.whole(readable, photos), rings.one_each(readable, photos)
    inner = ~data.unseen
    count = np.bincount(data.keys.label[readable[inner[readable]]], minlength=len(people))
    assert set(data.keys.label[whole[inner[whole]]]) == set(np.flatnonzero(count >= max(photos, 1)))
    if photos > 1:
        people_once = data.keys.label[once[inner[once]]]
        assert len(set(people_once)) == len(people_once)
        assert set(people_once) == set(data.keys.label[whole[inner[whole]]])
    unseen = whole[~inner[whole]]
    assert (rings.place[unseen] == NOBODY).all()
    assert set(unseen) <= set(once)
    assert (count[data.keys.label[unseen]] >= photos - 1).all()


def test_a_circle_does_not_depend_on_who_else_is_there() -> None:
    people = [[0] * 6, [1] * 5, [0] * 4]
    data, _ = drawn(people)
    every = np.arange(len(data.keys))
    whole, part = Rings.of(data, every), Rings.of(data, every[:11])
    assert np.array_equal(whole.following[:11], part.following)
    assert whole.hash != part.hash
    assert sorted(whole.following.tolist()) == every.tolist()
