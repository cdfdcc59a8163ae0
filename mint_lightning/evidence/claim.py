"""What may be claimed of a row, and of a table: the rule that separates membership from everything else."""

from collections.abc import Sequence
from dataclasses import replace

from mint_lightning.evidence.types import Claim, Estimate, Excess, Outcome, ReferenceTest, RowEvidence

RANDOM, DECLARED, REFERENCES = "random partition", "declared partition", "references"
REQUIRED = {"pixels": "pixels", "twins": "untrained twins"}


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
) -> Claim:
    """The claim of one row.

    Membership may be claimed only where the row finds it (excess over every control that was run, pixels and
    untrained twins among them, for these can only refute) and either members and externals are random identity
    partitions of one shard set (random_partition: its hash is in the network's card; partition_declared: the user
    says so), or the AUC exceeds that of two or more references trained on neither by the t margin. no_claim: a reason
    why neither holds here, such as splits that do not keep people apart.
    """
    above = f"{name} tells members from externals with AUC {_shown(auc)}"
    if excess is None:
        if auc.low <= 0.5:
            return _nothing(name, f"{name} does not tell members from externals: AUC {_shown(auc)}.")
        return _undecided(name, f"{above}, but no control was run, so anything may explain it.")
    if not excess.finds:
        least = f"its excess over {excess.control} is {_signed(excess)}, adjusted p = {excess.p_holm:.2g}"
        if auc.low <= 0.5 or random_partition or partition_declared:
            return _nothing(name, f"{name} finds no membership: AUC {_shown(auc)}; {least}.")
        return _undecided(name, f"{above}, but not above every control: {least}.")
    found = f"{name} exceeds every control that was run by {_signed(excess)}, adjusted p = {excess.p_holm:.2g}"
    if missing := [word for kind, word in REQUIRED.items() if kind in excess.not_run]:
        return _undecided(name, f"{found}, but {' and '.join(missing)} were not run, so they are not ruled out.")
    if no_claim:
        return _undecided(name, f"{found}, but {no_claim}.")
    if random_partition or partition_declared:
        about = _about(unseen_auc, photo_auc)
        basis = "members and externals are random partitions of one shard set by person"
        if not random_partition:
            basis = f"the user declares that {basis}"
        reason = f"{found}, and {basis}. {_about_sentence(about, unseen_auc is not None)}"
        route = RANDOM if random_partition else DECLARED
        return Claim(Outcome.SCORES_LIKE_TRAINING_PHOTOS, True, reason, route, name, about)
    if reference_test is not None and reference_test.passes:
        about = "this photo" if photo_auc is not None and photo_auc.low > 0.5 else None
        reason = (
            f"{found}, and its AUC exceeds the mean of {reference_test.references} references trained on neither by "
            f"{reference_test.difference:.3f} (margin {reference_test.margin:.3f}, adjusted p = "
            f"{reference_test.p_holm:.2g}). {_about_sentence(about, photo_auc is not None)}"
        )
        return Claim(Outcome.SCORES_LIKE_TRAINING_PHOTOS, True, reason, REFERENCES, name, about)
    return _undecided(name, f"{found}, but {_no_route(reference_test)}: the database alone may explain it.")


def table_claim(rows: Sequence[RowEvidence]) -> Claim:
    """The claim of a table: that of the claiming row with the best validate AUC, else why no row claims.

    The adjustment over rows covers every row that finds, so any of them may speak; validate, not test, says which.
    """
    claiming = [row for row in rows if row.claim.may_claim]
    if claiming:
        return _chosen(claiming, max(claiming, key=_validated))
    for outcome in (Outcome.CANNOT_TELL, Outcome.NOT_DISTINGUISHABLE):
        if alike := [row for row in rows if row.claim.outcome is outcome]:
            return _chosen(alike, max(alike, key=lambda row: (row.finds, *_validated(row))))
    raise ValueError("a table without rows")


def _chosen(alike: Sequence[RowEvidence], row: RowEvidence) -> Claim:
    """The claim of a row that speaks for several, and why this one does."""
    peers = [each for each in alike if each.finds is row.finds]
    if len(peers) == 1 or row.validate_auc is None:
        return row.claim
    what = "that may claim" if row.claim.may_claim else "that exceed their controls" if row.finds else "of this outcome"
    return replace(row.claim, reason=f"{row.claim.reason} Of the rows {what} it is the best on validate.")


def _validated(row: RowEvidence) -> tuple[bool, float]:
    return (row.validate_auc is not None, row.validate_auc or 0.0)


def _nothing(name: str, reason: str) -> Claim:
    return Claim(Outcome.NOT_DISTINGUISHABLE, False, reason, row=name)


def _undecided(name: str, reason: str) -> Claim:
    return Claim(Outcome.CANNOT_TELL, False, reason, row=name)


def _no_route(test: ReferenceTest | None) -> str:
    if test is None:
        return (
            "members and externals are not random partitions of one shard set, and fewer than two references trained "
            "on neither were run"
        )
    return (
        "members and externals are not random partitions of one shard set, and it is not far enough above "
        f"{test.references} references trained on neither ({test.difference:.3f}, margin {test.margin:.3f}, adjusted "
        f"p = {test.p_holm:.2g})"
    )


def _about(unseen_auc: Estimate | None, photo_auc: Estimate | None) -> str | None:
    """Which of photo and person left the trace; None where unseen photos are missing or do not settle it."""
    photo = photo_auc is not None and photo_auc.low > 0.5
    person = unseen_auc is not None and unseen_auc.low > 0.5
    if photo and person:
        return "this photo and this person"
    return "this photo" if photo else "this person" if person else None


def _about_sentence(about: str | None, unseen: bool) -> str:
    sentences = {
        "this photo": "Training photos score above unseen photos of the same people: it is about the photo.",
        "this person": "Unseen photos of the same people score above externals too: it is about the person.",
        "this photo and this person": "Unseen photos of the same people score above externals, and the training photos "
        "above those: it is about the person and about the photo.",
    }
    if about is not None:
        return sentences[about]
    why = "unseen photos of the same people do not settle it" if unseen else "no unseen photos of them were scored"
    return f"Whether it is about the photo or the person is open: {why}."


def _shown(figure: Estimate) -> str:
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def _signed(figure: Excess) -> str:
    return f"{figure.value:+.3f} [{figure.low:+.3f}, {figure.high:+.3f}]"
