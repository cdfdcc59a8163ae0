"""What an auditor cannot know, in words that stay the same wherever they are shown."""

from mint_lightning.learning.membership import Membership

SAME_PIPELINE = "Valid only for photos brought to pixels by the same pipeline (size, alignment, border, encoder)."
NO_CONTROLS = "Written by fit alone: no controls were run, so it claims no membership."
NEVER_PROOF = "A score has an error rate; it is never proof about one photo."
NOT_RANDOM = "Members and externals are not random partitions of one set: the database may be what is told apart."


def limits_of(groups: Membership, *, with_controls: bool) -> list[str]:
    """The limits of an auditor made from these groups."""
    found = [NEVER_PROOF, SAME_PIPELINE]
    if not with_controls:
        found.append(NO_CONTROLS)
    if not groups.random_partition:
        found.append(NOT_RANDOM)
    if groups.no_claim:
        found.append(f"Nothing may be claimed: {groups.no_claim}.")
    return found
