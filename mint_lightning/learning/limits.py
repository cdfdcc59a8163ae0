"""What an auditor cannot know, in words that stay the same wherever they are shown."""

from collections.abc import Sequence

from mint_lightning.auditor.novelty import NoveltyCheck
from mint_lightning.evidence.words import FACES, words
from mint_lightning.learning.membership import Membership

SAME_PIPELINE = "Valid only for photos brought to pixels by the same pipeline (size, alignment, border, encoder)."
ONE_CLASS = "Valid only for photos of objects of the class or classes {classes}."
NO_CONTROLS = "Written by fit alone: no controls were run, so it claims no membership."
NEVER_PROOF = "A score has an error rate; it is never proof about one photo."
NOT_RANDOM = "Members and externals are not random partitions of one set: the database may be what is told apart."
NO_NOVELTY = "It has no check of whether a photo is like those it was calibrated on, so it claims no membership."
NO_DETECTOR = "No face detector stood behind its check of photos: pictures that are no faces may be judged."


def limits_of(
    groups: Membership,
    *,
    with_controls: bool,
    novelty: NoveltyCheck | None,
    subject: str = FACES,
    classes: Sequence[str] | None = None,
) -> list[str]:
    """The limits of an auditor made from these groups, with this check of photos. subject: what the photos show; of
    objects no face detector is expected; classes: those it was made on, where they were chosen."""
    found = [NEVER_PROOF, SAME_PIPELINE]
    if classes:
        found.append(ONE_CLASS.format(classes=", ".join(classes)))
    if not with_controls:
        found.append(NO_CONTROLS)
    if not groups.random_partition:
        found.append(NOT_RANDOM)
    if groups.no_claim:
        found.append(words("en", subject)("nothing_barred", why=groups.no_claim))
    if novelty is None:
        found.append(NO_NOVELTY)
    elif novelty.faces is None and subject == FACES:
        found.append(NO_DETECTOR)
    return found
