"""How often a rule is passed, and how often a positive answer is right."""

from string import Formatter

import numpy as np
import pytest

from mint_lightning.errors import UserError
from mint_lightning.evidence import (
    Calibration,
    Claim,
    Outcome,
    Posterior,
    error_rate,
    hit_rate,
    judge_p,
    posterior,
)
from mint_lightning.evidence.claim import REQUIRED, row_claim
from mint_lightning.evidence.words import SENTENCES, term, words
from mint_lightning.learning.limits import (
    NEVER_PROOF,
    NO_CONTROLS,
    NO_DETECTOR,
    NO_NOVELTY,
    NOT_RANDOM,
    SAME_PIPELINE,
)
from mint_lightning.learning.membership import BY_PHOTO, MIXED
from tests.unit.evidence_data import score_set
from tests.unit.test_claim import HIGH, found

pytestmark = pytest.mark.unit


def test_training_photos_pass_as_often_as_a_loop_says() -> None:
    scores = score_set(np.random.default_rng(0), shift=1.5, identities=300)
    calibration = Calibration.of(scores)
    shares: dict[str, list[bool]] = {}
    for score, identity, member, split in zip(scores.score, scores.identity, scores.member, scores.split, strict=True):
        if member and split == "test":
            shares.setdefault(str(identity), []).append(bool(calibration.p_values([score])[0] <= 0.05))
    hit = hit_rate(scores, alpha=0.05)
    assert hit is not None
    assert hit.value == pytest.approx(np.mean([np.mean(each) for each in shares.values()]))
    assert hit.identities == len(shares) == 150


@pytest.mark.parametrize("out_of_fold", [False, True])
def test_people_with_two_photos_are_told_better_than_with_one(out_of_fold: bool) -> None:
    scores = score_set(np.random.default_rng(1), shift=1.0, identities=400, out_of_fold=out_of_fold)
    one, two = hit_rate(scores, alpha=0.05), hit_rate(scores, alpha=0.05, photos=2)
    assert one is not None
    assert two is not None
    assert two.value > one.value + 0.05
    error = error_rate(scores, alpha=0.05, photos=2)
    assert error.photos == 2
    assert error.rate.value < 0.09
    assert error.rate.identities == (400 if out_of_fold else 200)


def test_a_number_of_photos_that_nobody_has() -> None:
    scores = score_set(np.random.default_rng(2))
    assert hit_rate(scores, photos=3) is None
    with pytest.raises(UserError, match="no externals with 3 photos"):
        error_rate(scores, photos=3)


def test_precision_by_hand_and_its_bound() -> None:
    scores = score_set(np.random.default_rng(3), shift=2.0, identities=600)
    error, hit = error_rate(scores, alpha=0.05), hit_rate(scores, alpha=0.05)
    assert hit is not None
    known = posterior(0.1, hit, error)
    assert known.value == pytest.approx(0.1 * hit.value / (0.1 * hit.value + 0.9 * error.rate.value))
    assert 0 < known.low < known.value < 1
    assert posterior(0.5, hit, error).value > known.value


def test_the_bound_of_the_precision_is_kept_in_19_of_20_samples() -> None:
    truth = None
    below = 0
    for seed in range(60):
        scores = score_set(np.random.default_rng(seed), shift=1.5, identities=200, photos=1)
        error, hit = error_rate(scores, alpha=0.1), hit_rate(scores, alpha=0.1)
        assert hit is not None
        if truth is None:
            large = score_set(np.random.default_rng(999), shift=1.5, identities=20_000, photos=1)
            big, rate = hit_rate(large, alpha=0.1), error_rate(large, alpha=0.1)
            assert big is not None
            truth = posterior(0.1, big, rate).value
        below += posterior(0.1, hit, error).low <= truth
    assert below >= 55


def test_languages_say_the_same_with_the_same_blanks() -> None:
    blanks = {
        language: {name: {field for _, field, _, _ in Formatter().parse(text) if field} for name, text in own.items()}
        for language, own in SENTENCES.items()
    }
    assert blanks["en"] == blanks["es"]
    with pytest.raises(UserError, match="no language 'xx'"):
        words("xx")


def test_every_text_that_people_read_has_its_translation() -> None:
    known = [*Outcome, *REQUIRED.values(), " and ".join(REQUIRED.values()), NO_CONTROLS, NEVER_PROOF, NOT_RANDOM]
    for text in [*known, SAME_PIPELINE, NO_NOVELTY, NO_DETECTOR, MIXED, BY_PHOTO, f"Nothing may be claimed: {MIXED}."]:
        assert term(str(text), "en") == str(text)
        assert term(str(text), "es") != str(text), text
    assert term("anything else", "es") == "anything else"


@pytest.mark.parametrize("route", [{"random_partition": True}, {"partition_declared": True}, {}, {"no_claim": MIXED}])
def test_a_claim_is_said_in_every_language(route) -> None:
    claim = row_claim("row", HIGH, found(), **route)
    assert claim.why("en") == claim.reason
    assert claim.why("es").startswith("row supera todos los controles ejecutados en +0.100 [+0.050, +0.150]")
    assert "pipelines" not in claim.why("es")
    assert Claim.from_json(claim.to_json()) == claim


def test_no_precision_is_stated_from_an_error_rate_of_nought() -> None:
    scores = score_set(np.random.default_rng(3), shift=2.0, identities=600)
    scores.score[scores.external & (scores.split == "test")] -= 9.0
    error, hit = error_rate(scores, alpha=0.05), hit_rate(scores, alpha=0.05)
    assert hit is not None
    known = posterior(0.1, hit, error)
    assert known.value is None
    assert 0.1 < known.low < 1.0


def test_verdicts_of_people() -> None:
    scores = score_set(np.random.default_rng(4), shift=2.0, identities=400)
    error, hit = error_rate(scores, alpha=0.05), hit_rate(scores, alpha=0.05)
    assert hit is not None
    claim = row_claim("row", HIGH, found(), random_partition=True)
    given = {"photos": 3, "posterior": posterior(0.01, hit, error)}
    verdict = judge_p(0.001, 0.0005, 0.05, claim, error, **given)
    assert verdict.outcome is Outcome.SCORES_LIKE_TRAINING_PHOTOS
    assert "Together the 3 photos" in verdict.sentence
    assert f"1 in {error.one_in}" in verdict.sentence
    assert "If 1 % of the photos" in verdict.sentence
    assert isinstance(verdict.posterior, Posterior)
    assert "Juntas, las 3 fotos" in judge_p(0.001, 0.0005, 0.05, claim, error, language="es", **given).sentence
    assert judge_p(0.2, 0.0005, 0.05, claim, error, **given).outcome is Outcome.NOT_DISTINGUISHABLE
    assert "Not resolvable" in judge_p(0.1, 0.1, 0.05, claim, error, **given).sentence
    together = judge_p(0.1, 0.02, 0.05, claim, error, asked=3, **given)
    assert "Not resolvable at 5 %" in together.sentence
    assert "6 %" in together.sentence
    assert "3 answers" in together.sentence
    barred = judge_p(0.001, 0.0005, 0.05, claim, error, barred="other_pixels", **given)
    assert barred.outcome is Outcome.CANNOT_TELL
    assert "another pipeline" in barred.sentence
    own = judge_p(0.001, 0.0005, 0.05, claim, error, left_aside="own", **given)
    assert own.outcome is Outcome.OUTSIDE
    assert "learnt from photos of this person" in own.sentence
    blind = judge_p(0.001, 0.0005, 0.05, claim, error, photos=3)
    assert blind.outcome is Outcome.CANNOT_TELL
    assert "training photos pass was not measured" in blind.sentence
    unknown = judge_p(0.001, 0.0005, 0.05, claim, None, **given)
    assert unknown.outcome is Outcome.CANNOT_TELL
    assert "No error rate" in unknown.sentence
    alone = judge_p(0.001, 0.0005, 0.05, None, error, **given)
    assert alone.outcome is Outcome.CANNOT_TELL
    assert "No control" in alone.sentence
    assert judge_p(0.001, 0.0005, 0.05, claim, error, outside=True).outcome is Outcome.OUTSIDE
