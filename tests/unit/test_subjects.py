"""What is said of objects: the same sentences as of faces, none of which speaks of people."""

from dataclasses import replace
from pathlib import Path
from string import Formatter

import numpy as np
import pytest
from rich.console import Console

from mint_lightning.auditor import Answers, Auditor, Question, Scored, load_auditor
from mint_lightning.auditor.alike import Looks
from mint_lightning.auditor.card import AuditorCard
from mint_lightning.errors import UserError
from mint_lightning.evidence import LeftOutScores, Outcome, TableEvidence, weigh
from mint_lightning.evidence.words import LANGUAGES, SENTENCES, TERMS, en, es, term, words
from mint_lightning.learning.limits import NO_DETECTOR, NOT_RANDOM
from mint_lightning.learning.membership import BY_PHOTO_OF_OBJECTS
from mint_lightning.report import Context
from mint_lightning.report.answers import print_answers
from mint_lightning.report.answers_files import write_answers
from mint_lightning.report.console import print_table
from mint_lightning.report.html import render_html
from mint_lightning.report.latex import render_latex
from mint_lightning.report.markdown import render_markdown
from tests.finished_table import finished_table
from tests.human_words import human_words, of_files
from tests.unit.evidence_data import table

pytestmark = pytest.mark.unit

CONTEXT = Context(
    "a table", "mint-lightning table", {"name": "net"}, {"set": "0" * 64}, seed=0, date="2026-01-01 00:00 UTC"
)


def blanks(text: str) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(text) if field}


def rich_table(subject: str, *, out_of_fold: bool = False, **options: object) -> TableEvidence:
    """A table with all that may stand in one: unseen photos, heads on other labels, a set left out, attributes."""
    scores, pixels, _ = table(shift=1.5, rows=3, references=(0.2, 0.3), out_of_fold=out_of_fold)
    keys = scores[0].audited.key.tolist()
    beside = {"permuted": scores[0].audited, "left_out": (LeftOutScores("set 0", scores[0].audited),)}
    scores[0] = replace(scores[0], **beside)
    classes = {key: f"class {number % 2}" for number, key in enumerate(keys)}
    given = {"random_partition": True, "attributes": {"class": classes}} | options
    return weigh(scores, pixels, subject=subject, **given)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_on_objects_speaks_of_people(language: str) -> None:
    say = words(language, "objects")
    said = {name: say(name, **dict.fromkeys(blanks(text), "x")) for name, text in SENTENCES[language].items()}
    assert {name: text for name, text in said.items() if human_words(text)} == {}
    for text in [
        *Outcome,
        NOT_RANDOM,
        BY_PHOTO_OF_OBJECTS,
        f"Nothing may be claimed: {BY_PHOTO_OF_OBJECTS}.",
        "Object",
    ]:
        assert not human_words(term(str(text), language, "objects"))
        assert language == "en" or term(str(text), language, "objects") != text


@pytest.mark.parametrize(("own", "others"), [(en.SENTENCES, en.OBJECTS), (es.SENTENCES, es.OBJECTS)])
def test_sentences_on_objects_have_the_names_and_blanks_of_the_others(
    own: dict[str, str], others: dict[str, str]
) -> None:
    assert {name: blanks(text) for name, text in others.items()} == {name: blanks(own[name]) for name in others}
    assert all(own[name] != text for name, text in others.items()), "a sentence that reads alike is shared"
    assert es.OBJECT_TERMS.items().isdisjoint(TERMS["es"].items())


def test_faces_stay_as_they_were_and_a_subject_nobody_knows_is_refused() -> None:
    assert words("en")("own") == words("en", "faces")("own") == SENTENCES["en"]["own"]
    with pytest.raises(UserError, match=r"no subject 'cats'; photos show faces or objects"):
        words("en", "cats")
    with pytest.raises(UserError, match=r"no subject 'cats'"):
        table(subject="cats")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"no_claim": BY_PHOTO_OF_OBJECTS},
        {"random_partition": False},
        {"random_partition": False, "partition_declared": True},
        {"out_of_fold": True},
    ],
    ids=lambda options: "_".join(options) or "random",
)
def test_reports_on_objects_speak_of_none_but_objects(options: dict[str, object]) -> None:
    evidence = rich_table("objects", **options)
    console = Console(width=200)
    with console.capture() as capture:
        print_table(evidence, CONTEXT, console)
    for text in (
        capture.get(),
        render_html(evidence, CONTEXT),
        render_markdown(evidence, CONTEXT),
        render_latex(evidence, CONTEXT),
        *(row.claim.why(language, "objects") for row in evidence.rows for language in LANGUAGES),
    ):
        assert human_words(text) == []
    page = render_html(evidence, CONTEXT)
    assert "An object is one photo or" in page
    assert "Training photos against unseen photos of the same objects (tracks)" in page
    assert "labels dealt anew among objects" in page
    assert "clustered by object" in render_markdown(evidence)


def test_a_claim_on_objects_is_about_the_object() -> None:
    claims = {subject: rich_table(subject).claim for subject in ("faces", "objects")}
    assert claims["faces"].about == "this photo and this person"
    assert claims["objects"].about == "this photo and this object"
    for subject, claim in claims.items():
        assert claim.why("en", subject) == claim.reason
    assert claims["faces"].reason.replace("person", "object").replace("people", "objects") == claims["objects"].reason


def test_reports_on_people_still_speak_of_them() -> None:
    page = render_html(rich_table("faces"), CONTEXT)
    for said in ("clustered by person", "outsiders, people it never saw", "among people"):
        assert said in page
    assert "object" not in page.replace("objectBoundingBox", "")


def test_documents_of_earlier_versions_are_of_faces() -> None:
    evidence = rich_table("objects")
    assert TableEvidence.from_json(evidence.to_json()).subject == "objects"
    old = evidence.to_json()
    del old["subject"]
    assert TableEvidence.from_json(old).subject == "faces"
    with pytest.raises(UserError, match=r"lacks the key 'rows'"):
        TableEvidence.from_json({name: value for name, value in old.items() if name != "rows"})
    with pytest.raises(UserError, match=r"no subject 'cats'"):
        TableEvidence.from_json(old | {"subject": "cats"})


@pytest.fixture(scope="module")
def auditor(tmp_path_factory: pytest.TempPathFactory) -> Auditor:
    """An auditor whose claim is about both, of objects; it has learnt from the set that is asked about."""
    folder = tmp_path_factory.mktemp("table")
    finished_table(folder)
    found = load_auditor(folder / "auditors/vanilla_conv4")
    row = rich_table("objects").rows[0]
    return replace(found, card=replace(found.card, evidence=row, subject="objects", limits=[NOT_RANDOM]))


def test_cards_of_earlier_versions_are_of_faces(auditor: Auditor) -> None:
    document = auditor.card.to_json()
    assert AuditorCard.checked(document, "x").subject == "objects"
    with pytest.raises(UserError, match=r"no subject 'cats'"):
        AuditorCard.checked(document | {"subject": "cats"}, "x")
    del document["subject"]
    assert AuditorCard.checked(document, "x").subject == "faces"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("group_by", ["none", "identity"])
def test_answers_on_objects_speak_of_none_but_objects(
    auditor: Auditor, language: str, group_by: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"photo {number}" for number in range(8)]
    same = [b"a", b"a", *(str(number).encode() for number in range(6))]
    bits = np.array([0, 0, *(int("10110111" * 8, 2) >> 8 * number for number in range(6))], np.uint64)
    scored = Scored(
        names, names, ["a", "a", "a", "b", "b", "c", "d", "e"], ["test"] * 6 + ["fit", "test"], np.full(8, np.nan),
        {"x": np.array([9.0, 9, 9, 9, 0, 0, 0, 0])}, {"x": np.arange(8) == 7}, [("broken", "it cannot be decoded")],
        Looks(same, bits), shards=str(auditor.card.membership["shards"]),
    )  # fmt: skip
    answers = Answers(scored, {"x": auditor}, Question(group_by=group_by, alpha=0.05, language=language))
    print_answers(answers, {"x": auditor})
    write_answers(tmp_path / "out", answers, {"x": auditor}, detector=None)
    printed = capsys.readouterr().out
    assert human_words(printed) == []
    assert of_files(tmp_path / "out", "audit.json", "audit.csv") == {}
    assert ("Object" if language == "en" else "Objeto") in printed or group_by == "none"
    assert {each.about for each in answers if each.one_in} == {"this photo and this object"}
    own = words(language, "objects")("own")
    assert any(each.sentence == own for each in answers)


def test_which_object_is_on_a_photo_must_be_said_too(auditor: Auditor) -> None:
    nothing = np.zeros(1)
    scored = Scored(["a.png"], ["a.png"], [""], [""], np.full(1, np.nan), {"x": nothing}, {"x": nothing > 0})
    with pytest.raises(UserError, match=r"Which object is on 'a\.png' is not said: put the photos of each object"):
        Answers(scored, {"x": auditor}, Question(group_by="identity"))


def test_no_detector_is_missed_where_photos_show_objects() -> None:
    from mint_lightning.auditor.novelty import NoveltyCheck
    from mint_lightning.evidence.novelty import Novelty
    from mint_lightning.learning.limits import limits_of
    from mint_lightning.learning.membership import Membership

    values = np.random.default_rng(0).normal(size=(40, 3))
    check = NoveltyCheck(Novelty.fit(values[:20], values[20:], np.arange(20)))
    none = np.empty(0, np.int64)
    groups = Membership(none, none, none, random_partition=True, how="test")
    found = {subject: limits_of(groups, with_controls=True, novelty=check, subject=subject) for subject in
             ("faces", "objects")}  # fmt: skip
    assert NO_DETECTOR in found["faces"]
    assert NO_DETECTOR not in found["objects"]
    assert not any(human_words(limit) for limit in found["objects"])
