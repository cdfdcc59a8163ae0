"""A bundle is written, checked, and refuses every change."""

import json
import random
import subprocess
from pathlib import Path

import jsonschema
import pyarrow.parquet as pq
import pytest

from mint_lightning.bundle.check import check_bundle
from mint_lightning.bundle.folder import BUNDLE, EVIDENCE, PAGE, SUMS
from mint_lightning.bundle.schema import evidence_schema
from mint_lightning.bundle.signing import SIGNATURE
from mint_lightning.cli import main
from mint_lightning.errors import UserError
from mint_lightning.files import sha256_file
from mint_lightning.report.scores import SCORES
from tests.scored_table import scored_table

pytestmark = pytest.mark.unit

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tables") / "some"
    folder.mkdir()
    scored_table(folder)
    return folder


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pairs of keys: own.pem, own.pub, other.pem, other.pub."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("own", "other"):
        made = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(folder / f"{name}.pem")]
        subprocess.run(made, check=True)
        public = ["openssl", "pkey", "-in", str(folder / f"{name}.pem"), "-pubout", "-out", str(folder / f"{name}.pub")]
        subprocess.run(public, check=True)
    return folder


@pytest.fixture(scope="module")
def signed(table: Path, keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("signed") / "bundle"
    assert main(["report", str(table), "--out", str(out), "--sign", str(keys / "own.pem")]) == 0
    return out


def test_it_is_whole_and_says_so(signed: Path, keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify-bundle", str(signed)]) == 0
    said = capsys.readouterr().out
    for words in ("files are as they were written", "come out of the scores again", "Signed by the Ed25519 key",
                  "The page says what the evidence says", f"{signed}: whole."):  # fmt: skip
        assert words in said
    assert main(["verify-bundle", str(signed), "--key", str(keys / "own.pub")]) == 0
    assert "by the key of" in capsys.readouterr().out


def test_its_hashes_hold_without_this_program(signed: Path) -> None:
    subprocess.run(["sha256sum", "--quiet", "--strict", "-c", SUMS], cwd=signed, check=True)
    listed = {line.split("  ", 1)[1] for line in (signed / SUMS).read_text().splitlines()}
    assert listed == {p.relative_to(signed).as_posix() for p in signed.rglob("*") if p.is_file()} - {SUMS}


def test_people_are_numbers_unless_names_are_wanted(table: Path, signed: Path, tmp_path: Path) -> None:
    assert main(["report", str(table), "--out", str(tmp_path / "named"), "--names", "true"]) == 0
    named, numbered = (pq.read_table(folder / SCORES) for folder in (tmp_path / "named", signed))
    assert {name for name in named["identity"].to_pylist() if "person" in name}
    assert not {name for name in numbered["identity"].to_pylist() if "person" in name}
    assert len(set(numbered["identity"].to_pylist())) == len(set(named["identity"].to_pylist()))
    assert json.loads((tmp_path / "named" / BUNDLE).read_text())["people"] == "named"
    assert (tmp_path / "named" / EVIDENCE).read_bytes() == (signed / EVIDENCE).read_bytes()
    assert list(check_bundle(tmp_path / "named"))


def test_its_document_is_as_the_schema_says(signed: Path) -> None:
    schema = json.loads((DOCS / "bundle.schema.json").read_text())
    document = json.loads((signed / BUNDLE).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "files": {"report.html": "no hash"}}, schema)


def test_its_evidence_is_as_the_schema_says_which_is_made_of_the_classes(signed: Path) -> None:
    schema = json.loads((DOCS / "evidence.schema.json").read_text())
    assert schema == evidence_schema(), "python -m mint_lightning.bundle.schema > docs/evidence.schema.json"
    jsonschema.Draft202012Validator.check_schema(schema)
    evidence = json.loads((signed / EVIDENCE).read_text())
    jsonschema.validate(evidence, schema)
    evidence["rows"][0]["auc"]["value"] = "much"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(evidence, schema)


def test_one_changed_byte_anywhere_is_refused(signed: Path) -> None:
    draw = random.Random(3)
    for path in sorted(path for path in signed.rglob("*") if path.is_file()):
        whole = path.read_bytes()
        for place in {0, len(whole) - 1, *(draw.randrange(len(whole)) for _ in range(3))}:
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            assert main(["verify-bundle", str(signed)]) == 2, (path.name, place)
        path.write_bytes(whole)
    assert list(check_bundle(signed))


def test_files_that_are_missing_or_too_much_are_named(signed: Path) -> None:
    (signed / "more.txt").write_text("x")
    with pytest.raises(UserError, match=r"holds more.txt, which its bundle.json does not name"):
        list(check_bundle(signed))
    (signed / "more.txt").unlink()
    page = (signed / PAGE).read_bytes()
    (signed / PAGE).unlink()
    with pytest.raises(UserError, match=r"lacks report.html"):
        list(check_bundle(signed))
    (signed / PAGE).symlink_to("/etc/hostname")
    with pytest.raises(UserError, match=r"report.html is a link"):
        list(check_bundle(signed))
    (signed / PAGE).unlink()
    (signed / PAGE).write_bytes(page)
    assert list(check_bundle(signed))


def forged(bundle: Path, name: str, change) -> None:
    """Change a file and all hashes that tell of it, as somebody would who knows how."""
    path = bundle / name
    path.write_text(change(path.read_text()))
    document = json.loads((bundle / BUNDLE).read_text())
    document["files"] = {known: sha256_file(bundle / known) for known in document["files"]}
    document["hashes"]["evidence"] = document["files"][EVIDENCE]
    document["hashes"]["scores"] = document["files"][SCORES]
    (bundle / BUNDLE).write_text(json.dumps(document))
    lines = [line.split("  ", 1)[1] for line in (bundle / SUMS).read_text().splitlines()]
    (bundle / SUMS).write_text("".join(f"{sha256_file(bundle / each)}  {each}\n" for each in lines))


def test_what_was_forged_with_its_hashes_is_found_by_the_scores(table: Path, tmp_path: Path, signed: Path) -> None:
    out = tmp_path / "bundle"
    assert main(["report", str(table), "--out", str(out)]) == 0
    evidence = json.loads((out / EVIDENCE).read_text())
    value = repr(evidence["rows"][0]["auc"]["value"])
    whole = {path: path.read_bytes() for path in out.iterdir() if path.is_file()}
    forged(out, EVIDENCE, lambda text: text.replace(value, "0.99"))
    with pytest.raises(UserError, match=r"do not give its figures: rows\[0\].auc.value: 0.99, recomputed"):
        list(check_bundle(out))
    for path, content in whole.items():
        path.write_bytes(content)
    forged(out, PAGE, lambda text: text.replace("never proof", "proof"))
    with pytest.raises(UserError, match=r"report.html says something else than the evidence"):
        list(check_bundle(out))
    for path, content in whole.items():
        path.write_bytes(content)
    forged(out, BUNDLE, lambda text: text.replace('"may_claim": true', '"may_claim": false'))
    with pytest.raises(UserError, match=r"claims something else than the evidence"):
        list(check_bundle(out))


def test_keys_that_do_not_fit_are_told(
    table: Path, signed: Path, keys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*words: str) -> str:
        assert main(list(words)) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        return error

    bundle = str(tmp_path / "bundle")
    assert "was signed by the key" in said("verify-bundle", str(signed), "--key", str(keys / "other.pub"))
    assert "no public key" in said("verify-bundle", str(signed), "--key", str(keys / "own.pem"))
    assert "cannot be read" in said("verify-bundle", str(signed), "--key", str(tmp_path / "nowhere"))
    report = ("report", str(table), "--out", bundle, "--sign")
    assert "no private key in PEM form" in said(*report, str(keys / "own.pub"))
    locked = tmp_path / "locked.pem"
    locks = ["-aes256", "-passout", "pass:x", "-out", str(locked)]
    subprocess.run(["openssl", "pkey", "-in", str(keys / "own.pem"), *locks], check=True)
    assert "locked by a password" in said(*report, str(locked))
    rsa = tmp_path / "rsa.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-out", str(rsa)], check=True, capture_output=True)
    assert "is no Ed25519 key" in said(*report, str(rsa))
    assert not Path(bundle).exists()
    assert main(["report", str(table), "--out", bundle]) == 0
    assert "is not signed: it holds no signature.json" in said("verify-bundle", bundle, "--key", str(keys / "own.pub"))


def test_a_signature_of_another_bundle_is_refused(signed: Path, table: Path, keys: Path, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    assert main(["report", str(table), "--out", str(out), "--names", "true", "--sign", str(keys / "own.pem")]) == 0
    (out / SIGNATURE).write_bytes((signed / SIGNATURE).read_bytes())
    lines = [line.split("  ", 1)[1] for line in (out / SUMS).read_text().splitlines()]
    (out / SUMS).write_text("".join(f"{sha256_file(out / each)}  {each}\n" for each in lines))
    with pytest.raises(UserError, match=r"is not of its bundle.json"):
        list(check_bundle(out))


def test_bad_input_is_one_sentence(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "table.json").write_text('{"evidence": {}}')
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "letter.txt").write_text("mine")
    old = tmp_path / "old"
    old.mkdir()
    (old / "table.json").write_bytes((table / "table.json").read_bytes())
    for words, reason in (
        (["report", "nowhere", "--out", "x"], "no table, no auditor and no run 'nowhere'"),
        (["report", "0" * 32, "--out", "x"], "tracking store"),
        (["report", str(damaged), "--out", "x"], "lacks 'context'"),
        (["report", str(foreign), "--out", "x"], "is no table and no auditor"),
        (["report", str(table), "--out", str(foreign)], "is no bundle: name another folder"),
        (["report", str(old), "--out", str(tmp_path / "x")], "holds no scores.parquet"),
        (["verify-bundle", str(foreign)], "is no bundle"),
        (["verify-bundle", str(tmp_path / "gone")], "is no bundle"),
    ):
        assert main(words) == 2, words
        error = capsys.readouterr().err
        assert reason in error, (words, error)
        assert error.count("\n") == 1
    assert [path.name for path in foreign.iterdir()] == ["letter.txt"]


def test_a_paper_page_is_written_where_it_can_be(table: Path, tmp_path: Path) -> None:
    try:
        import weasyprint  # noqa: F401
    except (ImportError, OSError):
        pytest.skip("WeasyPrint or Pango is not installed")
    assert main(["report", str(table), "--out", str(tmp_path / "bundle"), "--pdf", "true"]) == 0
    assert (tmp_path / "bundle/report.pdf").read_bytes().startswith(b"%PDF-")
    assert list(check_bundle(tmp_path / "bundle"))
