"""Beside the controls: permuted labels, external sets left out, a score that beats the heads, explanations in words."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from mint_lightning.errors import UserError
from mint_lightning.evidence import LeftOutScores, RowScores, auc_interval, fpr_threshold, weigh
from mint_lightning.evidence.aside import left_out_rate
from mint_lightning.learning.aside import external_sources, permuted_labels
from mint_lightning.report.explanations import explanations
from mint_lightning.report.markdown import render_markdown
from tests.unit.evidence_data import counted, rescored, score_set, table

pytestmark = pytest.mark.unit


def test_labels_are_dealt_among_people() -> None:
    generator = np.random.default_rng(0)
    people = generator.integers(0, 200, 1000)
    member = people % 3 == 0
    dealt = permuted_labels(people, member, seed=1)
    for person in range(200):
        assert len(set(dealt[people == person].tolist())) <= 1
    assert len(set(people[dealt].tolist())) == len(set(people[member].tolist()))
    assert np.array_equal(dealt, permuted_labels(people, member, seed=1))
    assert not np.array_equal(dealt, permuted_labels(people, member, seed=2))
    assert 0.2 < (dealt == member).mean() < 0.8


def test_the_rate_of_a_set_left_out_is_that_of_a_loop() -> None:
    scores = score_set(np.random.default_rng(1), identities=3000, photos=1, sources=("a", "b", "c"))
    found = left_out_rate(LeftOutScores("b", scores), 0.95)
    threshold = fpr_threshold(
        scores.score[(scores.split == "calibrate") & scores.external & (scores.source != "b")], 0.01
    )
    own = (scores.split == "test") & scores.external & (scores.source == "b")
    assert found.fpr is not None
    assert found.fpr.value == pytest.approx((scores.score[own] >= threshold).mean())
    assert found.fpr.images == own.sum()
    few = left_out_rate(LeftOutScores("b", score_set(np.random.default_rng(1), sources=("a", "b"))), 0.95)
    assert few.fpr is None
    assert "needs 1000 externals of other sets" in few.reason


def test_sets_are_two_or_more() -> None:
    keys = SimpleNamespace(source=np.array(["d", "b", "a", "b"]))
    both, one = (
        SimpleNamespace(keys=keys, groups=SimpleNamespace(externals=np.array(rows))) for rows in ([1, 2], [1, 3])
    )
    assert external_sources(both) == ["a", "b"]
    with pytest.raises(UserError, match="two or more sets, but all are of b"):
        external_sources(one)


def rows(score_shift: float, head_shift: float) -> list[RowScores]:
    generator = np.random.default_rng(3)
    base = score_set(generator, identities=300)
    made = {
        "head": ("vanilla", head_shift, 0.7),
        "other head": ("vanilla", 0.0, 0.5),
        "score": ("score", score_shift, 0.8),
    }
    return [
        RowScores(name, kind, "conv4", 0, 100, rescored(base, generator, "audited", shift), validate_auc=auc)
        for name, (kind, shift, auc) in made.items()
    ]


def test_a_score_that_beats_the_best_head_is_said_first() -> None:
    given = rows(1.0, 0.3)
    evidence = weigh(given, random_partition=False)
    assert evidence.lead is not None
    assert (evidence.lead.row, evidence.lead.over) == ("score", "head")
    images = counted(given[0].audited)
    aucs = [
        auc_interval(row.audited.score[images], row.audited.member[images], row.audited.identity[images]).value
        for row in (given[2], given[0])
    ]
    assert evidence.lead.difference.value == pytest.approx(aucs[0] - aucs[1])
    assert render_markdown(evidence).startswith("score, which needs no fitting, tells more than the best head, head")
    assert weigh(rows(0.3, 1.0), random_partition=False).lead is None
    assert weigh(given[:2], random_partition=False).lead is None
    assert type(evidence).from_json(evidence.to_json()) == evidence


def test_explanations_say_what_was_not_run() -> None:
    told = " ".join(explanations(weigh(rows(1.0, 0.3), random_partition=False)))
    for missing in ("no head was run on the pixels", "no untrained twin was run", "trained on neither group was run"):
        assert missing in told
    scores, pixels, evidence = table(shift=1.5)
    told = explanations(evidence)
    assert told[0].startswith("What the photos look like")
    assert "ruled out as the whole of it (row 0" in told[0]
    assert "ruled out by the draw" in told[2]
    weaker = weigh(scores, pixels, random_partition=False)
    assert "not ruled out, for no network trained on neither group" in explanations(weaker)[2]
    lost = [replace(row, audited=rescored(row.audited, np.random.default_rng(9), "audited")) for row in scores]
    assert "not ruled out (" in explanations(weigh(lost, pixels, random_partition=True))[0]


def test_permuted_and_left_out_stand_in_evidence_and_words() -> None:
    base = score_set(np.random.default_rng(5), shift=1.0, identities=5000, photos=1, sources=("a", "b"))
    dealt = rescored(base, np.random.default_rng(6), "audited")
    row = RowScores(
        "row", "vanilla", "conv4", 0, 100, base, permuted=dealt, left_out=(LeftOutScores("a", base),), validate_auc=0.7
    )
    evidence = weigh([row], random_partition=False)
    permuted = evidence.rows[0].permuted_auc
    assert permuted is not None
    assert permuted.low < 0.5 < permuted.high
    assert evidence.rows[0].left_out[0].fpr is not None
    told = " ".join(explanations(evidence))
    assert "labels dealt anew among people reaches AUC" in told
    assert "Outsiders of a, left out of learning and calibrating:" in told
    assert type(evidence).from_json(evidence.to_json()) == evidence
