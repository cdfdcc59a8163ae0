"""What may be claimed of a row, and of a table: the rule that separates membership from everything else."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from mint_lightning.evidence.outcome import Claim, Outcome, Phrase
from mint_lightning.evidence.types import Estimate, Excess, ReferenceTest, RowEvidence
from mint_lightning.evidence.words import FACES, OBJECTS

RANDOM, DECLARED, REFERENCES = "random partition", "declared partition", "references"
REQUIRED = {"pixels": "pixels", "twins": "untrained twins"}
THIS = {FACES: "this person", OBJECTS: "this object"}


def row_claim(
    name: str,
    auc: Estimate,
    excess: Excess | None,
    reference_test: ReferenceTest | None = None,
    *,
    unseen_auc: Estimate | None = None,
    photo_auc: Estimate | None = None,
    random_partition: bool = False,
    partition_declared: bool = False,
    no_claim: str | None = None,
    subject: str = FACES,
) -> Claim:
    """The claim of one row.

    Membership may be claimed only where the row finds it (excess over every control that was run, pixels and
    untrained twins among them, for these can only refute) and either members and externals are random identity
    partitions of one shard set (random_partition: its hash is in the network's card; partition_declared: the user
    says so), or the AUC exceeds that of two or more references trained on neither by the t margin. no_claim: a reason
    why neither holds here, such as splits that do not keep people apart. subject: what the photos show, for the words.
    """
    claim, may = partial(_claim, subject), partial(_may, subject)
    shown = {"row": name, "auc": _shown(auc)}
    if excess is None:
        if auc.low <= 0.5:
            return claim(Outcome.NOT_DISTINGUISHABLE, name, Phrase("tells_nothing", shown))
        return claim(Outcome.CANNOT_TELL, name, Phrase("no_control_run", shown))
    above = {"row": name, "excess": _signed(excess), "p": f"{excess.p_holm:.2g}"}
    if not excess.finds:
        least = {**shown, **above, "control": excess.control}
        if auc.low <= 0.5 or random_partition or partition_declared:
            return claim(Outcome.NOT_DISTINGUISHABLE, name, Phrase("finds_none", least))
        return claim(Outcome.CANNOT_TELL, name, Phrase("not_above", least))
    if missing := [word for kind, word in REQUIRED.items() if kind in excess.not_run]:
        return claim(Outcome.CANNOT_TELL, name, Phrase("missing", {**above, "missing": " and ".join(missing)}))
    if no_claim:
        return claim(Outcome.CANNOT_TELL, name, Phrase("barred", {**above, "why": no_claim}))
    if random_partition or partition_declared:
        about = _about(unseen_auc, photo_auc, subject)
        basis = Phrase("by_partition" if random_partition else "by_declaration", above)
        route = RANDOM if random_partition else DECLARED
        return may(name, route, about, basis, _about_phrase(about, unseen_auc is not None))
    if reference_test is None:
        return claim(Outcome.CANNOT_TELL, name, Phrase("no_route", above))
    beside = {
        **above,
        "references": str(reference_test.references),
        "difference": f"{reference_test.difference:.3f}",
        "margin": f"{reference_test.margin:.3f}",
        "p_references": f"{reference_test.p_holm:.2g}",
    }
    if not reference_test.passes:
        return claim(Outcome.CANNOT_TELL, name, Phrase("references_too_near", beside))
    about = "this photo" if photo_auc is not None and photo_auc.low > 0.5 else None
    return may(name, REFERENCES, about, Phrase("by_references", beside), _about_phrase(about, photo_auc is not None))


def table_claim(rows: Sequence[RowEvidence], subject: str = FACES) -> Claim:
    """The claim of a table: that of the claiming row with the best validate AUC, else why no row claims.

    The adjustment over rows covers every row that finds, so any of them may speak; validate, not test, says which.
    """
    claiming = [row for row in rows if row.claim.may_claim]
    if claiming:
        return _chosen(claiming, max(claiming, key=_validated), subject)
    for outcome in (Outcome.CANNOT_TELL, Outcome.NOT_DISTINGUISHABLE):
        if alike := [row for row in rows if row.claim.outcome is outcome]:
            return _chosen(alike, max(alike, key=lambda row: (row.finds, *_validated(row))), subject)
    raise ValueError("a table without rows")


def _chosen(alike: Sequence[RowEvidence], row: RowEvidence, subject: str) -> Claim:
    """The claim of a row that speaks for several, and why this one does."""
    peers = [each for each in alike if each.finds is row.finds]
    if len(peers) == 1 or row.validate_auc is None:
        return row.claim
    which = "best_that_claims" if row.claim.may_claim else "best_that_exceeds" if row.finds else "best_alike"
    said = (*row.claim.said, Phrase(which, {}))
    return replace(row.claim, said=said, reason=_english(said, subject))


def _validated(row: RowEvidence) -> tuple[bool, float]:
    return (row.validate_auc is not None, row.validate_auc or 0.0)


def _claim(subject: str, outcome: Outcome, name: str, *said: Phrase) -> Claim:
    return Claim(outcome, False, _english(said, subject), row=name, said=said)


def _may(subject: str, name: str, route: str, about: str | None, *said: Phrase) -> Claim:
    return Claim(Outcome.SCORES_LIKE_TRAINING_PHOTOS, True, _english(said, subject), route, name, about, said)


def _english(said: Sequence[Phrase], subject: str) -> str:
    return " ".join(phrase.say(subject=subject) for phrase in said)


def _about(unseen_auc: Estimate | None, photo_auc: Estimate | None, subject: str) -> str | None:
    """Which of photo and person or object left the trace; None where unseen photos are missing or settle nothing."""
    photo = photo_auc is not None and photo_auc.low > 0.5
    person = unseen_auc is not None and unseen_auc.low > 0.5
    who = THIS[subject]
    if photo and person:
        return f"this photo and {who}"
    return "this photo" if photo else who if person else None


def _about_phrase(about: str | None, unseen: bool) -> Phrase:
    if about is None:
        return Phrase("about_unsettled" if unseen else "about_unscored", {})
    if about == "this photo":
        return Phrase("about_photo", {})
    return Phrase("about_person" if about in THIS.values() else "about_both", {})


def _shown(figure: Estimate) -> str:
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def _signed(figure: Excess) -> str:
    return f"{figure.value:+.3f} [{figure.low:+.3f}, {figure.high:+.3f}]"
