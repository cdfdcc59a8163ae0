"""Answers: what counts once, what is adjusted for what, and what is never claimed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.common.pictures import landscapes
from mint_lightning.auditor import Answers, Auditor, Question, Scored, load_auditor
from mint_lightning.auditor.alike import looks_of
from mint_lightning.errors import UserError
from mint_lightning.evidence import Outcome, error_rate, hit_rate, posterior
from tests.finished_table import finished_table

pytestmark = pytest.mark.unit
ACCUSED = Outcome.SCORES_LIKE_TRAINING_PHOTOS


@pytest.fixture(scope="module")
def auditor(tmp_path_factory: pytest.TempPathFactory) -> Auditor:
    folder = tmp_path_factory.mktemp("table")
    finished_table(folder)
    return load_auditor(folder / "auditors/vanilla_conv4")


def scored(scores: dict[str, list[float]], identities: list[str] | None = None, **more: object) -> Scored:
    count = len(next(iter(scores.values())))
    names = [f"photo {number}" for number in range(count)]
    nothing = {name: np.zeros(count, bool) for name in scores}
    given = {name: np.array(own) for name, own in scores.items()}
    found = Scored(names, names, identities or [""] * count, [""] * count, np.full(count, np.nan), given, nothing)
    return replace(found, **more)


def test_a_high_score_is_accused_and_an_ordinary_one_is_not(auditor: Auditor) -> None:
    high, low = Answers(scored({"a": [9.0, 0.0]}), {"a": auditor}, Question())
    assert high.outcome is ACCUSED
    assert high.detected is None
    assert high.posterior is not None
    assert high.posterior.informs
    assert low.outcome is Outcome.NOT_DISTINGUISHABLE
    spanish = Answers(scored({"a": [9.0]}), {"a": auditor}, Question(language="es"))[0]
    assert "Puntúa como las fotos de entrenamiento" in spanish.sentence


def test_copies_of_a_photo_count_once(auditor: Auditor) -> None:
    pictures = torch.from_numpy(landscapes(3).transpose(0, 3, 1, 2).copy())
    nearly = (pictures[:1].int() + 1).clamp(max=255).to(torch.uint8)
    looks = looks_of(torch.cat([pictures[[0, 0, 0, 1, 2]], nearly]))
    given = scored({"a": [3.0, 3.0, 3.0, 0.0, 0.5, 3.0]}, ["anna"] * 6, looks=looks)
    (one,) = Answers(given, {"a": auditor}, Question(group_by="identity", alpha=0.1))
    assert (one.photos, one.merged, one.judged) == (6, 3, 3)
    assert one.score == pytest.approx((3.0 + 0.0 + 0.5) / 3)
    alone = scored({"a": [3.0, 0.0, 0.5]}, ["anna"] * 3)
    (same,) = Answers(alone, {"a": auditor}, Question(group_by="identity", alpha=0.1))
    assert (same.p, same.used) == (one.p, one.used)


def test_asking_several_auditors_makes_each_rule_stricter(auditor: Auditor) -> None:
    question = Question(alpha=0.02)
    given = scored({"a": [9.0], "b": [9.0]})
    first, second = Answers(given, {"a": auditor, "b": auditor}, question)
    scores = auditor.scores
    for alpha, said in ((0.01, first), (0.02, second)):
        error, hit = error_rate(scores, alpha=alpha, fitted=True), hit_rate(scores, alpha=alpha)
        assert hit is not None
        assert said.posterior == posterior(question.prior, hit, error)
        assert said.one_in == error.one_in
    alone = Answers(scored({"a": [9.0]}), {"a": auditor}, question)[0]
    assert first.p_adjusted == pytest.approx(2 * alone.p)


def test_what_holm_puts_out_of_reach_is_not_resolvable_and_is_not_blamed_on_outsiders(auditor: Auditor) -> None:
    names = [str(number) for number in range(8)]
    floor = Answers(scored({"0": [9.0]}), {"0": auditor}, Question())[0].floor
    question = Question(alpha=4 * floor)
    found = Answers(scored({name: [9.0] for name in names}), dict.fromkeys(names, auditor), question)
    for each in found:
        assert each.outcome is Outcome.NOT_DISTINGUISHABLE
        assert "Not resolvable" in each.sentence
        assert "8 answers" in each.sentence
    ordinary = Answers(scored({"0": [0.0]}), {"0": auditor}, question)[0]
    assert "Outsiders often score as high" in ordinary.sentence


def test_people_whom_the_head_learnt_get_no_answer(auditor: Auditor) -> None:
    shards, splits = str(auditor.card.membership["shards"]), ["fit", "validate", "calibrate", "test"]
    given = scored({"a": [9.0] * 4}, splits=splits, shards=shards)
    found = Answers(given, {"a": auditor}, Question())
    assert [each.own for each in found] == [1, 1, 0, 0]
    assert [each.outcome for each in found] == [Outcome.OUTSIDE, Outcome.OUTSIDE, ACCUSED, ACCUSED]
    assert "learnt from photos of this person" in found[0].sentence
    elsewhere = replace(given, shards="other")
    assert {each.outcome for each in Answers(elsewhere, {"a": auditor}, Question())} == {ACCUSED}
    score = replace(auditor, head=None)  # a score learnt from nobody
    assert {each.outcome for each in Answers(given, {"a": score}, Question())} == {ACCUSED}


@pytest.mark.parametrize(
    ("change", "why"), [("pixels", "another pipeline"), ("novelty", "cannot tell whether a photo")]
)
def test_what_was_not_checked_is_not_claimed(auditor: Auditor, change: str, why: str) -> None:
    given = scored({"a": [9.0]}, barred="other_pixels" if change == "pixels" else None)
    judge = replace(auditor, novelty=None) if change == "novelty" else auditor
    (said,) = Answers(given, {"a": judge}, Question())
    assert said.outcome is Outcome.CANNOT_TELL
    assert why in said.sentence


def test_a_photo_outside_is_not_judged_whatever_its_score(auditor: Auditor) -> None:
    given = scored({"a": [9.0, 9.0]}, ["anna", "anna"], outside={"a": np.array([True, False])})
    given = replace(given, detected=np.array([0.3, 0.9]))
    first, second = Answers(given, {"a": auditor}, Question())
    assert (first.outcome, first.p, first.score, first.detected) == (Outcome.OUTSIDE, 1.0, None, 0.3)
    assert second.outcome is ACCUSED
    (person,) = Answers(given, {"a": auditor}, Question(group_by="identity"))
    assert (person.photos, person.outside, person.judged, person.detected) == (2, 1, 1, 0.3)


def test_answers_are_a_sequence_and_say_what_a_list_allows(auditor: Auditor) -> None:
    count = 50
    found = Answers(scored({"a": [9.0, *np.linspace(-3, 0, count - 1)]}), {"a": auditor}, Question())
    assert len(found) == len(found[:]) == count
    assert found[-1] == found[count - 1]
    with pytest.raises(IndexError):
        found[count]
    best = found.smallest(3)
    assert best[0] == found[0]
    assert found.list_floor == pytest.approx(found[0].floor * count)
    assert found[0].q == pytest.approx(found.list_floor)
    assert not found[0].listed


@pytest.mark.parametrize(("name", "value"), [("alpha", 0.999), ("fdr", 1.0), ("prior", 0.0), ("language", "xx")])
def test_a_question_that_cannot_be(name: str, value: object) -> None:
    with pytest.raises(UserError, match=str(value)):
        Question(**{name: value})


def test_the_folder_of_an_auditor_is_whole_or_refused(tmp_path: Path) -> None:
    finished_table(tmp_path)
    folder = tmp_path / "auditors/vanilla_conv4"
    assert load_auditor(folder).novelty is not None
    (folder / "scores.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match="missing or was changed"):
        load_auditor(folder)
