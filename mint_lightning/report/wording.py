"""Figures and findings in words: every report says the same thing in the same way."""

import re

from mint_lightning.evidence import Estimate, OperatingPoint, Outcome, RowEvidence, TableEvidence
from mint_lightning.report.subjects import subject_of

HEADLINES = {
    Outcome.SCORES_LIKE_TRAINING_PHOTOS: "The training photos leave a trace in this network",
    Outcome.NOT_DISTINGUISHABLE: "Training photos could not be told apart from others",
    Outcome.CANNOT_TELL: "Cannot tell: membership, or merely the database",
    Outcome.OUTSIDE: "Outside what this audit can answer",
}
GROUPS = {
    "members": "training photos of",
    "externals": "outsiders’ photos of",
    "unseen": "unseen photos of",
}
CONTROL_KINDS = {
    "pixels": "sees the photo, not the network",
    "twins": "the network at random weights, mean",
    "twin": "the network at random weights",
    "reference": "trained on neither",
}


def decimal(value: float) -> str:
    """0.543"""
    return f"{value:.3f}"


def signed(value: float) -> str:
    """+0.031, -0.004"""
    return f"{value:+.3f}"


def percent(value: float) -> str:
    """54.3 %; two decimals below 1 %, where the first alone would hide a factor of two."""
    return f"{100 * value:.2f} %" if 0 < value < 0.00995 else f"{100 * value:.1f} %"


def round_percent(value: float) -> str:
    """Targets: 10 %, 1 %, 0.1 %, 0.01 %."""
    return f"{100 * value:g} %"


def p_value(p: float) -> str:
    """0.012, or < 0.001."""
    return "< 0.001" if p < 0.001 else decimal(p)


def interval(estimate: Estimate) -> str:
    """[0.519, 0.567]"""
    return f"[{estimate.low:.3f}, {estimate.high:.3f}]"


def percent_interval(estimate: Estimate) -> str:
    """[50.1, 54.8] %"""
    return f"[{100 * estimate.low:.1f}, {100 * estimate.high:.1f}] %"


def short(text: str) -> str:
    """.543 for 0.543, as tables of AUCs are printed, so that the table fits."""
    text = re.sub(r"(?<![\d.])0(\.\d{3}(?!\d)|\.\d\d$)", r"\1", text)
    return text.replace("] %", "]").replace(" ± ", " ±").replace("< ", "<")


def seconds(value: float) -> str:
    """42 s, 3 min 5 s, 2 h 4 min"""
    whole = round(value)
    if whole < 60:
        return f"{value:.1f} s" if value < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def operating_point(row: RowEvidence, target: float) -> OperatingPoint | None:
    """The operating point of a row at a false positive rate, if it was asked for."""
    return next((point for point in row.operating if abs(point.fpr_target - target) < 1e-9), None)


def headline_row(evidence: TableEvidence) -> RowEvidence | None:
    """The row a report shows first: the one that carries the claim, else the best on validate, else the first.

    Never the best on test: what is shown first must not be picked by the figure it shows.
    """
    named = next((row for row in evidence.rows if row.name == evidence.claim.row), None)
    if named is not None:
        return named
    known = [row for row in evidence.rows if row.validate_auc is not None]
    return max(known, key=lambda row: row.validate_auc or 0.0) if known else next(iter(evidence.rows), None)


def claim_sentence(evidence: TableEvidence) -> str:
    """The claim in one line: the fixed outcome words, then why."""
    outcome = str(evidence.claim.outcome)
    return f"{outcome[0].upper()}{outcome[1:]}. {evidence.claim.reason}"


def lead_sentence(evidence: TableEvidence) -> str:
    """What is to be said first where a score that needs no fitting beats the heads, or ""."""
    lead = evidence.lead
    if lead is None:
        return ""
    return (
        f"{lead.row}, which needs no fitting, tells more than the best head, {lead.over}: AUC higher by "
        f"{signed(lead.difference.value)} {interval(lead.difference)} (both best of their kind on validate)."
    )


def level_note(evidence: TableEvidence) -> str:
    """What the shown intervals are."""
    one = subject_of(evidence.subject).one
    if len(evidence.rows) < 2:
        return f"Intervals are at 95 %, clustered by {one}."
    return (
        f"Intervals are clustered by {one} and hold for all {len(evidence.rows)} rows together at 95 % "
        f"(each at {100 * evidence.level:.2f} %)."
    )


def sizes(evidence: TableEvidence) -> str:
    """n by split and group: "test: 1,204 training photos of 301 people, ..."."""
    parts, subject = [], subject_of(evidence.subject)
    for split in dict.fromkeys(group.split for group in evidence.groups):
        groups = [group for group in evidence.groups if group.split == split]
        named = (
            f"{group.images:,} {GROUPS.get(group.group, group.group)} {group.identities:,} "
            f"{subject.count(group.identities)}"
            for group in groups
        )
        parts.append(f"{split}: {', '.join(named)}")
    return "; ".join(parts)


def unresolved(point: OperatingPoint) -> str:
    """Why a rate cannot be resolved, without saying again that it cannot."""
    return (point.reason or "too few outsiders").removeprefix("not resolvable: ").rstrip(".")


def one_in(rate: float) -> str:
    """1 in 87; "almost every" above a half, because "1 in 1" would mislead."""
    if rate <= 0:
        return "none"
    return "more than 1 in 2" if rate > 0.5 else f"1 in {int(1 / rate):,}"
