"""The page stands alone, is whole, and cannot be made to run anything."""

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from mint_lightning.report.html import render_html, write_html
from tests.evidence_fixture import context, null_evidence, table_evidence

pytestmark = pytest.mark.unit
VOID = {"meta", "link", "br", "hr", "img", "input", "col"}


class Page(HTMLParser):
    """Collects elements and text, and insists that every element is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "svg"} & set(self.open):
            self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def words(self) -> str:
        return " ".join("".join(self.text).split())


@pytest.fixture(scope="module")
def found() -> tuple[str, Page]:
    text = render_html(table_evidence(), context())
    return text, Page(text)


def test_it_names_no_other_host_and_runs_nothing(found):
    text, page = found
    assert not re.search(r"https?:|//[a-z]", re.sub(r"</?[a-z]+", "", text))
    assert not {"script", "iframe", "object", "img", "link", "form"} & {tag for tag, _ in page.elements}
    attributes = [(key, value) for _, pairs in page.elements for key, value in pairs.items()]
    assert not any(key.startswith("on") or key == "src" for key, _ in attributes)
    assert all((value or "").startswith("#") for key, value in attributes if key == "href")
    assert "default-src 'none'" in text
    assert "url(" not in re.sub(r"url\(#[\w-]+\)", "", text)
    assert "@import" not in text


def test_ids_are_unique_and_every_reference_is_met(found):
    _, page = found
    ids = [value for _, pairs in page.elements for key, value in pairs.items() if key == "id"]
    assert len(ids) == len(set(ids))
    for _, pairs in page.elements:
        for key in ("aria-labelledby", "aria-describedby"):
            assert set((pairs.get(key) or "").split()) <= set(ids)
        if (pairs.get("href") or "").startswith("#"):
            assert pairs["href"][1:] in ids


def test_it_can_be_read_without_seeing_it(found):
    _, page = found
    assert page.all("html")[0]["lang"] == "en"
    pictures = page.all("svg")
    assert len(pictures) == 3 + len(table_evidence().rows)
    assert all(picture["role"] == "img" and len(picture["aria-label"] or "") > 40 for picture in pictures)
    assert all(cell.get("scope") in ("row", "col", "colgroup") for cell in page.all("th"))
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_it_says_what_was_found(found):
    _, page = found
    evidence = table_evidence()
    assert str(evidence.claim.outcome) in page.words
    assert evidence.claim.reason in page.words
    for row in evidence.rows:
        assert row.name in page.words
        assert f"{row.auc.value:.3f}" in page.words
        assert f"[{row.auc.low:.3f}, {row.auc.high:.3f}]" in page.words
    first = evidence.row("CNN conv4")
    assert f"{100 * first.auc.value:.1f} of 100" in page.words
    assert "3 of 6" in page.words


def test_it_says_how_it_was_made(found):
    _, page = found
    for part in (
        "python -m mint_lightning demo",
        "5eed" * 16,
        "c0ffee",
        "0123456789abcdef",
        "torch 2.15.0",
        "pack 21 s",
    ):
        assert part in page.words


def test_it_follows_the_reader_into_the_dark_and_onto_paper(found):
    text, _ = found
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text
    variables = set(re.findall(r"var\(--([\w-]+)[,)]", text))
    defined = set(re.findall(r"--([\w-]+):", text))
    with_fallback = set(re.findall(r"var\(--([\w-]+), #", text))
    assert variables - defined <= with_fallback
    dark = text.split("prefers-color-scheme: dark")[1].split("* {")[0]
    assert with_fallback <= set(re.findall(r"--([\w-]+):", dark))


def test_every_limit_stands_in_words():
    words = Page(render_html(null_evidence(), context())).words
    assert "never proof" in words
    assert "Finding nothing does not show that nothing was remembered" in words
    assert "the only set of outsiders" in words
    assert "Not resolvable at 0.1 % FPR" in words
    assert "Controls that were not run: references" in words
    assert "nothing to combine" in words


def test_what_was_declared_is_called_declared():
    text = render_html(table_evidence(), context(declared=("The owner says that D is Glint360K.",)))
    declared = text.split("<h3>Declared</h3>")[1].split("</div>")[0]
    assert "The owner says that D is Glint360K." in declared


def test_without_a_claim_the_headline_claims_nothing():
    page = Page(render_html(table_evidence(2, references=2, random_partition=False), context()))
    assert "Cannot tell: membership, or merely the database" in page.words
    assert "leave a trace in this network" not in page.words
    assert "the database alone may explain it" in page.words


def test_precision_follows_bayes():
    evidence = table_evidence()
    point = evidence.row("CNN conv4").operating[1]
    expected = 0.1 * point.tpr.value / (0.1 * point.tpr.value + 0.9 * point.realised_fpr.value)
    worst = 0.1 * point.tpr.low / (0.1 * point.tpr.low + 0.9 * point.realised_fpr.high)
    words = Page(render_html(evidence, context())).words
    assert f"10 in 100 {100 * expected:.1f} % {100 * worst:.1f} %" in words or (
        f"10 in 100{100 * expected:.1f} %{100 * worst:.1f} %" in words
    )


def test_hostile_names_stay_text():
    bad = '"><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}'
    evidence = table_evidence(3, rows=((bad, "vanilla", "conv1", 0.5),))
    text = render_html(
        evidence,
        context(
            title=bad,
            command=bad,
            network={"name": bad, bad: bad, "nested": {bad: bad}},
            manifests={bad: bad},
            versions={bad: bad},
            seconds={bad: 1.0},
            git_commit=bad,
            date=bad,
            declared=(bad,),
        ),
    )
    page = Page(text)
    assert not {"script", "img"} & {tag for tag, _ in page.elements}
    assert not any(key.startswith("on") for _, pairs in page.elements for key in pairs)
    assert bad in page.words


def test_a_large_table_shows_the_rows_that_find_one_by_one(monkeypatch):
    monkeypatch.setattr("mint_lightning.report.html.DETAILED_ROWS", 2)
    rows = (*((f"row {n}", "vanilla", "conv1", 0.0) for n in range(4)), ("the one", "vanilla", "conv4", 1.2))
    text = render_html(table_evidence(5, rows=rows, people=60), context())
    assert "3 further rows stand in the table only." in text
    assert "<summary><b>the one</b>" in text


def test_it_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "deep" / "report.html"
    small = table_evidence(5, rows=(("row", "vanilla", "conv1", 0.0),), people=60)
    write_html(path, small, context())
    assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    before = path.read_bytes()
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        write_html(path, small, context(title="Another"))
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]
