"""A table of rows weighed against their controls: planted truth is found, nothing is found in noise."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_curve as sklearn_roc_curve

from mint_lightning.errors import UserError
from mint_lightning.evidence import (
    Claim,
    Outcome,
    RowEvidence,
    RowScores,
    ScoreSet,
    TableEvidence,
    auc,
    auc_difference,
    auc_interval,
    balanced_accuracy,
    excess,
    holm,
    weigh,
)
from mint_lightning.evidence.curves import histogram, roc_curve
from tests.unit.evidence_data import rescored, score_set

pytestmark = pytest.mark.unit


def table(
    seed=0, *, shift=1.0, control=0.0, rows=2, references=(), out_of_fold=False, identities=200, unseen=0.5, **options
):
    """A table whose first row has AUC by `shift` (the others none) and whose controls have `control`."""
    generator = np.random.default_rng(seed)
    base = score_set(
        generator, shift=shift, unseen_shift=unseen, identities=identities, photos=2, out_of_fold=out_of_fold
    )
    found = []
    for number in range(rows):
        audited = base if number == 0 else rescored(base, generator, "audited")
        found.append(
            RowScores(
                name=f"row {number}",
                head="vanilla" if number == 0 else "score",
                tap="conv4",
                seed=0,
                samples=1000,
                audited=audited,
                twins=tuple(rescored(base, generator, f"twin {k}", control) for k in range(3)),
                references=tuple(rescored(base, generator, f"reference {k}", s) for k, s in enumerate(references)),
                complement=rescored(base, generator, "complement", -shift),
                validate_auc=0.7 - 0.1 * number,
            )
        )
    pixels = [(name, valid, rescored(base, generator, name, control)) for name, valid in (("dct", 0.5), ("small", 0.6))]
    options.setdefault("random_partition", True)
    return found, pixels, weigh(found, pixels, **options)


def counted(scores):
    return (scores.split == "test") & ~scores.unseen


def test_a_planted_row_is_found_and_claimed_and_a_row_of_noise_is_not():
    _, _, evidence = table()
    planted, noise = evidence.rows
    assert planted.finds
    assert not noise.finds
    assert evidence.claim.may_claim
    assert evidence.claim.row == "row 0"
    assert evidence.claim == planted.claim
    assert noise.claim.outcome is Outcome.NOT_DISTINGUISHABLE


def test_figures_are_those_of_the_test_split_at_the_bonferroni_level():
    rows, _, evidence = table(rows=4)
    scores = rows[0].audited
    images = counted(scores)
    row = evidence.rows[0]
    cut = (scores.score[images], scores.member[images], scores.identity[images])
    assert evidence.level == pytest.approx(1 - 0.05 / 4)
    assert row.auc == auc_interval(*cut, level=evidence.level)
    assert row.accuracy_logit0.value == balanced_accuracy(*cut, 0.0).value
    assert row.accuracy.value == balanced_accuracy(*cut, row.threshold).value
    assert evidence.rows[1].accuracy_logit0 is None
    assert [point.fpr_target for point in row.operating] == [0.1, 0.01, 0.001]
    assert [point.resolvable for point in row.operating] == [True, False, False]


def test_excess_is_over_the_best_pixel_head_by_validate_the_mean_of_the_twins_and_each_reference():
    rows, pixels, evidence = table(references=(0.2, 0.4), rows=1)
    images = counted(rows[0].audited)
    cut = rows[0].audited.member[images], rows[0].audited.identity[images]

    def gap(*sets):
        return auc_difference(rows[0].audited.score[images], [each.score[images] for each in sets], *cut)

    terms = [gap(pixels[1][2]), gap(*rows[0].twins), *(gap(each) for each in rows[0].references)]
    found, expected = evidence.rows[0].excess, excess(terms)
    assert (found.value, found.low, found.high) == (expected.value, expected.low, expected.high)
    assert found.p >= expected.p
    counting = [control.name for control in evidence.rows[0].controls if control.counts]
    assert counting == ["small", "mean of 3 untrained twins", "reference 0", "reference 1"]
    twins = [control.auc.value for control in evidence.rows[0].controls if control.kind == "twin"]
    mean = next(control for control in evidence.rows[0].controls if control.kind == "twins")
    assert mean.auc.value == pytest.approx(np.mean(twins))
    assert not any(control.name == "complement" for control in evidence.rows[0].controls)


def test_p_is_adjusted_over_the_rows():
    _, _, evidence = table(rows=5, shift=0.3)
    p_values = [row.excess.p for row in evidence.rows]
    assert [row.excess.p_holm for row in evidence.rows] == pytest.approx(holm(p_values).tolist())
    assert [row.finds for row in evidence.rows] == [row.excess.p_holm < 0.05 for row in evidence.rows]


def test_a_control_that_does_as_well_takes_the_finding_away():
    _, _, evidence = table(control=1.0)
    assert evidence.rows[0].auc.low > 0.6
    assert not evidence.rows[0].finds
    assert not evidence.claim.may_claim
    _, _, shifted = table(control=1.0, random_partition=False)
    assert shifted.rows[0].claim.outcome is Outcome.CANNOT_TELL


def test_across_databases_only_references_allow_a_claim():
    _, _, without = table(random_partition=False)
    assert without.rows[0].finds
    assert not without.claim.may_claim
    assert without.claim.outcome is Outcome.CANNOT_TELL
    _, _, close = table(random_partition=False, references=(0.1, 0.8), shift=1.2)
    assert close.rows[0].finds
    assert not close.claim.may_claim
    _, _, apart = table(random_partition=False, references=(0.1, 0.1, 0.15, 0.1), shift=1.5, identities=600)
    assert apart.rows[0].reference_test.passes
    assert apart.claim.route == "references"
    _, _, one = table(random_partition=False, references=(0.0,))
    assert one.rows[0].reference_test is None
    assert not one.claim.may_claim


def test_unseen_photos_never_count_and_tell_photo_from_person():
    rows, _, evidence = table(unseen=0.0)
    assert evidence.claim.about == "this photo"
    scores = rows[0].audited
    test = scores.split == "test"
    outside = test & ~scores.member
    assert evidence.rows[0].unseen_auc.value == pytest.approx(auc(scores.score[outside], scores.unseen[outside]))
    assert evidence.rows[0].auc.images == np.count_nonzero(counted(scores))
    _, _, person = table(unseen=1.0)
    assert person.claim.about == "this person"
    _, _, nothing = table(unseen=None)
    assert nothing.rows[0].unseen_auc is nothing.rows[0].photo_auc is nothing.claim.about is None


def test_photo_auc_compares_photos_of_people_who_have_both():
    rows, _, evidence = table(unseen=0.2)
    scores = rows[0].audited
    people = set(scores.identity[scores.unseen])
    both = np.array([name in people for name in scores.identity]) & (scores.split == "test")
    figure = evidence.rows[0].photo_auc
    assert figure.value == pytest.approx(auc(scores.score[both], scores.member[both]))
    assert figure.identities == len(people)


def test_the_complement_stands_beside():
    rows, _, evidence = table()
    images = counted(rows[0].audited)
    expected = auc(rows[0].complement.score[images], rows[0].complement.member[images])
    assert evidence.rows[0].complement_auc.value == pytest.approx(expected)
    assert expected < 0.5


def test_cross_fitted_tables_are_weighed_on_every_image():
    rows, _, evidence = table(out_of_fold=True)
    assert evidence.rows[0].cross_fitted
    assert evidence.rows[0].auc.images == np.count_nonzero(~rows[0].audited.unseen)
    assert evidence.rows[0].operating[0].resolvable
    assert evidence.claim.may_claim
    assert {group.split for group in evidence.groups} == {"out-of-fold"}


def test_groups_and_external_sets_are_counted():
    _, _, evidence = table()
    sizes = {(group.group, group.split): (group.images, group.identities) for group in evidence.groups}
    assert sizes == {
        ("members", "calibrate"): (200, 100),
        ("externals", "calibrate"): (200, 100),
        ("members", "test"): (200, 100),
        ("externals", "test"): (200, 100),
        ("unseen", "test"): (100, 100),
    }
    assert evidence.external_sets == ("db",)


def test_controls_are_paired_by_key_whatever_their_order():
    rows, pixels, evidence = table(rows=1)
    order = np.random.default_rng(1).permutation(len(rows[0].audited))
    mixed = replace(rows[0], twins=tuple(twin.where(order) for twin in rows[0].twins))
    known = pixels[1][2].where(~pixels[1][2].unseen)
    again = weigh([mixed], [pixels[0], (*pixels[1][:2], known)], random_partition=True)
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


@pytest.mark.parametrize("references", [(), (0.1, 0.2)])
def test_evidence_survives_json_to_the_last_bit(references):
    rows, _, evidence = table(references=references)
    text = json.dumps(evidence.to_json(), allow_nan=False)
    assert TableEvidence.from_json(json.loads(text)) == evidence
    again = RowScores.from_json(json.loads(json.dumps(rows[0].to_json())))
    assert (again.audited.score == rows[0].audited.score).all()
    assert again.twins[2].network == "twin 2"
    assert weigh([again], random_partition=True) == weigh([rows[0]], random_partition=True)


def test_json_of_another_version_or_with_other_keys_is_refused():
    document = table(rows=1)[2].to_json()
    with pytest.raises(UserError, match="schema version 2"):
        TableEvidence.from_json(document | {"schema_version": 2})
    with pytest.raises(UserError, match="unknown key 'colour'"):
        TableEvidence.from_json(document | {"colour": 1})
    with pytest.raises(UserError, match="lacks the key 'claim'"):
        TableEvidence.from_json({key: value for key, value in document.items() if key != "claim"})
    with pytest.raises(UserError, match=r"TableEvidence\.level cannot be 'high'"):
        TableEvidence.from_json(document | {"level": "high"})
    with pytest.raises(UserError, match="must be one of 'scores like training photos'"):
        Claim.from_json(document["claim"] | {"outcome": "proof"})
    with pytest.raises(UserError, match="must be a JSON object"):
        RowEvidence.from_json([])


def test_rows_are_found_by_name():
    _, _, evidence = table()
    assert evidence.row("row 1").name == "row 1"
    with pytest.raises(UserError, match="no row 'row 9'; the table has row 0, row 1"):
        evidence.row("row 9")


def test_roc_points_lie_on_the_curve_and_are_dense_where_it_matters():
    generator = np.random.default_rng(3)
    member = np.arange(20_000) < 10_000
    score = generator.standard_normal(20_000) + member
    curve = roc_curve(score, member)
    fpr, tpr = np.array(curve.fpr), np.array(curve.tpr)
    assert (fpr[0], tpr[0], fpr[-1], tpr[-1]) == (0, 0, 1, 1)
    assert (np.diff(fpr) >= 0).all()
    assert (np.diff(tpr) >= 0).all()
    assert fpr.size <= 210
    assert np.count_nonzero((fpr > 0) & (fpr < 0.01)) >= 20
    assert np.trapezoid(tpr, fpr) == pytest.approx(auc(score, member), abs=0.005)
    whole = sklearn_roc_curve(member, score, drop_intermediate=False)
    corners = set(zip(whole[0].round(9).tolist(), whole[1].round(9).tolist(), strict=True))
    assert set(zip(fpr.round(9).tolist(), tpr.round(9).tolist(), strict=True)) <= corners


def test_the_whole_curve_of_a_small_set_is_kept_and_ties_make_one_step():
    curve = roc_curve([0.0, 1.0, 1.0, 2.0], [False, True, False, True])
    assert list(zip(curve.fpr, curve.tpr, strict=True)) == [(0.0, 0.0), (0.0, 0.5), (0.5, 1.0), (1.0, 1.0)]


def test_histogram_counts_every_image_once():
    scores = score_set(np.random.default_rng(4), shift=1.0, unseen_shift=0.5)
    found = histogram(scores.score, scores.member, scores.unseen)
    assert (sum(found.members), sum(found.externals), sum(found.unseen)) == (400, 400, 100)
    assert len(found.edges) == len(found.members) + 1
    assert sum(histogram(np.zeros(10), np.arange(10) < 5, np.zeros(10, bool)).members) == 5


def test_noise_is_seldom_found():
    found = sum(any(row.finds for row in table(seed, shift=0.0, rows=3, identities=80)[2].rows) for seed in range(20))
    assert found <= 3


@pytest.mark.slow
def test_the_family_wise_rate_of_findings_in_noise_is_held():
    found = sum(any(row.finds for row in table(seed, shift=0.0, rows=5)[2].rows) for seed in range(400))
    assert found / 400 <= 0.05 + 0.022
