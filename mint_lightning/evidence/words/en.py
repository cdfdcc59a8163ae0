"""English."""

from typing import Final

SENTENCES: Final[dict[str, str]] = {
    # verdicts
    "outside": "The image is unlike those the auditor was calibrated on: no answer.",
    "own": "The auditor's head learnt from photos of this person: no answer.",
    "few": "Fewer photos are left than the auditor judges together: no answer.",
    "not_resolvable": "Not resolvable at {alpha}: its calibration allows no rate below {floor}.",
    "not_resolvable_together": "Not resolvable at {alpha}: its calibration allows no rate below {floor} where {asked} "
    "answers are asked for at once.",
    "often": "Outsiders often score as high (p = {p}).",
    "often_person": "People whom the network never saw often score as high with as many photos (p = {p}).",
    "high_but": "It scores higher than outsiders do (p = {p}), but: {why}",
    "high_but_person": "Together the {photos} photos score higher than outsiders' do (p = {p}), but: {why}",
    "claims": "It scores like training photos; 1 in {one_in} outsiders does too (p = {p}).",
    "claims_person": "Together the {photos} photos score like training photos; those of 1 in {one_in} outsiders do too "
    "(p = {p}).",
    "no_better": "It scores high (p = {p}), but at this rate training photos have not been shown to pass more often "
    "than outsiders' do ({tpr} against {fpr}): it tells nothing.",
    "valid_for": "Valid for photos like {source}.",
    "declared": "That the partition is random is declared, not verified.",
    "no_control": "No control was run for this auditor.",
    "no_error_rate": "No error rate was measured for as many photos.",
    "no_hit_rate": "How often training photos pass was not measured for as many photos.",
    "no_novelty": "The auditor cannot tell whether a photo is like those that it was calibrated on.",
    "other_pixels": "It came to pixels by another pipeline than the auditor's photos, which its error rate does not "
    "cover.",
    "posterior": "If {prior} of the photos asked about were trained on, at least {low} of such answers are right.",
    # claims of rows and tables
    "tells_nothing": "{row} does not tell members from externals: AUC {auc}.",
    "no_control_run": "{row} tells members from externals with AUC {auc}, but no control was run, so anything may "
    "explain it.",
    "finds_none": "{row} finds no membership: AUC {auc}; its excess over {control} is {excess}, adjusted p = {p}.",
    "not_above": "{row} tells members from externals with AUC {auc}, but not above every control: its excess over "
    "{control} is {excess}, adjusted p = {p}.",
    "missing": "{row} exceeds every control that was run by {excess}, adjusted p = {p}, but {missing} were not run, so "
    "they are not ruled out.",
    "barred": "{row} exceeds every control that was run by {excess}, adjusted p = {p}, but {why}.",
    "by_partition": "{row} exceeds every control that was run by {excess}, adjusted p = {p}, and members and externals "
    "are random partitions of one shard set by person.",
    "by_declaration": "{row} exceeds every control that was run by {excess}, adjusted p = {p}, and the user declares "
    "that members and externals are random partitions of one shard set by person.",
    "by_references": "{row} exceeds every control that was run by {excess}, adjusted p = {p}, and its AUC exceeds the "
    "mean of {references} references trained on neither by {difference} (margin {margin}, adjusted p = "
    "{p_references}).",
    "no_route": "{row} exceeds every control that was run by {excess}, adjusted p = {p}, but members and externals are "
    "not random partitions of one shard set, and fewer than two references trained on neither were run: the database "
    "alone may explain it.",
    "references_too_near": "{row} exceeds every control that was run by {excess}, adjusted p = {p}, but members and "
    "externals are not random partitions of one shard set, and it is not far enough above {references} references "
    "trained on neither ({difference}, margin {margin}, adjusted p = {p_references}): the database alone may explain "
    "it.",
    "about_photo": "Training photos score above unseen photos of the same people: it is about the photo.",
    "about_person": "Unseen photos of the same people score above externals too: it is about the person.",
    "about_both": "Unseen photos of the same people score above externals, and the training photos above those: it is "
    "about the person and about the photo.",
    "about_unsettled": "Whether it is about the photo or the person is open: unseen photos of the same people do not "
    "settle it.",
    "about_unscored": "Whether it is about the photo or the person is open: no unseen photos of them were scored.",
    "best_that_claims": "Of the rows that may claim it is the best on validate.",
    "best_that_exceeds": "Of the rows that exceed their controls it is the best on validate.",
    "best_alike": "Of the rows of this outcome it is the best on validate.",
    "nothing_barred": "Nothing may be claimed: {why}.",
    # notes under a list of answers
    "many": "{answers} answers, the {shown} with the smallest p shown: {counts}.",
    "what_p": "p: how often an outsider scores as high; an answer is given below {alpha}.",
    "what_p_adjusted": "p: how often an outsider scores as high, adjusted for all asked about it; an answer is given "
    "below {alpha}.",
    "what_q": "q: of all with a q of at most {fdr} (here {listed}), no more than that share is wrong on average. One "
    "answer alone, out of many, is no finding.",
    "list_floor": "One alone of {asked} cannot be listed: the calibration allows no q below {q} for it; {least} would "
    "have to score as high.",
    "left_outside": "{faces} unlike what was calibrated on: not judged.",
    "merged": "{photos} the same picture as another of the person, or nearly: they count once.",
    "own_people": "{photos} of people from whose photos the auditor learnt: not judged.",
    "unusable": "{photos} could not be used ({which}).",
}

OBJECTS: Final[dict[str, str]] = {
    # verdicts
    "own": "The auditor's head learnt from photos of this object: no answer.",
    "often_person": "Objects that the network never saw often score as high with as many photos (p = {p}).",
    "other_pixels": "That it came to pixels as the auditor's photos did is not declared (--aligned true), and the "
    "error rate covers those alone.",
    # claims of rows and tables
    "by_partition": "{row} exceeds every control that was run by {excess}, adjusted p = {p}, and members and externals "
    "are random partitions of one shard set by object.",
    "by_declaration": "{row} exceeds every control that was run by {excess}, adjusted p = {p}, and the user declares "
    "that members and externals are random partitions of one shard set by object.",
    "about_photo": "Training photos score above unseen photos of the same objects: it is about the photo.",
    "about_person": "Unseen photos of the same objects score above externals too: it is about the object.",
    "about_both": "Unseen photos of the same objects score above externals, and the training photos above those: it is "
    "about the object and about the photo.",
    "about_unsettled": "Whether it is about the photo or the object is open: unseen photos of the same objects do not "
    "settle it.",
    "about_unscored": "Whether it is about the photo or the object is open: no unseen photos of them were scored.",
    # notes under a list of answers
    "merged": "{photos} the same picture as another of the object, or nearly: they count once.",
    "own_people": "{photos} of objects from whose photos the auditor learnt: not judged.",
}
"""Those that read otherwise where the photos show objects."""
