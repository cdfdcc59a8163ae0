"""`audit` under bad input: auditors that were edited or damaged, folders in the way, hostile names, wrong wishes."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from benchmarks.common.pictures import cartoons, landscapes, portrait
from mint_lightning.cli import main
from mint_lightning.files import sha256_file

pytestmark = pytest.mark.integration

TABLE = "mlruns/tables/demo"
HEAD = f"{TABLE}/auditors/vanilla_conv1"
SCORE = f"{TABLE}/auditors/flip_agreement"


@pytest.fixture
def copied(workspace: Path, tmp_path: Path) -> Path:
    """A head's auditor to be damaged."""
    shutil.copytree(HEAD, tmp_path / "auditors/edited")
    return tmp_path / "auditors/edited"


def refused(args: list[str], capsys: Any) -> str:
    """The one sentence of a command that fails as it should."""
    assert main(["audit", *args]) == 2
    error = str(capsys.readouterr().err)
    assert error.startswith("Error: ")
    assert error.count("\n") == 1
    assert "Traceback" not in error
    return error


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("kind", 3),
        ("kind", "magic"),
        ("network", None),
        ("network", {"name": "x", "card": None}),
        ("network", {"name": "x", "fingerprint": 5, "card": None}),
        ("network", {"name": "x", "fingerprint": "y", "card": "z"}),
        ("pixels", {}),
        ("pixels", {"image_size": 0, "alignment": "drawn", "border": "none", "encoder": "png"}),
        ("pixels", {"image_size": "x", "alignment": "drawn", "border": "none", "encoder": "png"}),
        ("pixels", {"image_size": 10**7, "alignment": "drawn", "border": "none", "encoder": "png"}),
        ("pixels", {"image_size": 112, "alignment": "drawn", "border": "none", "encoder": "exe"}),
        ("shapes", [[10**9]]),
        ("shapes", []),
        ("shapes", "wide"),
        ("shapes", [["a"]]),
        ("arguments", {"no_such": 1}),
        ("arguments", {"l1": "much"}),
        ("arguments", None),
        ("taps", ["nowhere"]),
        ("views", []),
        ("embedding", "nowhere"),
        ("membership", {}),
        ("evidence", {"name": "x"}),
        ("evidence", 7),
        ("limits", None),
        ("files", None),
        ("files", {}),
        ("files", {"scores.parquet": 3}),
        ("heads", None),
        ("schema_version", "3"),
    ],
)
def test_an_edited_card_is_one_sentence(copied: Path, key: str, value: Any, tmp_path: Path, capsys: Any) -> None:
    path = copied / "auditor.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, key: value}))
    refused(["--auditor", str(copied), "shards/demo", "--out", str(tmp_path / "out")], capsys)
    del document[key]
    path.write_text(json.dumps(document))
    refused(["--auditor", str(copied), "shards/demo", "--out", str(tmp_path / "out")], capsys)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", ["[]", "3", "{}", "null", '{"schema_version": 3}', "\x00"])
def test_a_card_that_is_none_is_one_sentence(copied: Path, content: str, capsys: Any) -> None:
    (copied / "auditor.json").write_text(content)
    refused(["--auditor", str(copied), "shards/demo"], capsys)


@pytest.mark.parametrize("name", ["scores.parquet", "head.safetensors", "novelty.safetensors"])
def test_half_a_file_whose_hash_was_renewed_is_one_sentence(copied: Path, name: str, capsys: Any) -> None:
    file, card = copied / name, copied / "auditor.json"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    document = json.loads(card.read_text())
    card.write_text(json.dumps({**document, "files": {**document["files"], name: sha256_file(file)}}))
    refused(["--auditor", str(copied), "shards/demo"], capsys)


@pytest.mark.parametrize("name", ["head.safetensors", "novelty.safetensors"])
def test_a_file_that_the_card_does_not_list_is_not_loaded(copied: Path, name: str, capsys: Any) -> None:
    card = copied / "auditor.json"
    document = json.loads(card.read_text())
    del document["files"][name]
    card.write_text(json.dumps(document))
    assert name in refused(["--auditor", str(copied), "shards/demo"], capsys)


def test_an_audit_never_replaces_what_is_none(workspace: Path, tmp_path: Path, capsys: Any) -> None:
    out, real = tmp_path / "out", tmp_path / "real"
    command = ["--auditor", SCORE, "--aligned", "true", portrait(), "--out"]
    assert main(["audit", *command, str(out)]) == 0
    (out / "notes.txt").write_text("mine")
    assert "'notes.txt'" in refused([*command, str(out)], capsys)
    assert (out / "notes.txt").read_text() == "mine"
    real.mkdir()
    (tmp_path / "link").symlink_to(real)
    assert main(["audit", *command, str(tmp_path / "link")]) == 0
    assert (tmp_path / "link").is_symlink()
    assert (real / "audit.json").is_file()
    assert "/proc" in refused([*command, "/proc/audit"], capsys)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([""], "name is empty"),
        (["--alpha", "0.999", "shards/demo"], "alpha is 0.999"),
        (["--detector", "scrfd.onnx", "shards/demo"], "leave out --detector"),
        (["--faces", "all", "--group-by", "all", portrait()], "one person: choose"),
        (["--faces", "all", "--aligned", "true", portrait()], "cut already"),
        (["--language", "xx", portrait()], "language"),
    ],
)
def test_wishes_that_do_not_go_together(words: list[str], sentence: str, workspace: Path, capsys: Any) -> None:
    assert sentence in refused(["--auditor", SCORE, *words], capsys)


@pytest.mark.parametrize(
    ("auditor", "sentence"),
    [
        ("[]", "names nothing"),
        ('[""]', "names nothing"),
        (json.dumps([SCORE, SCORE]), "given already"),
        (json.dumps([TABLE, HEAD, SCORE, HEAD]), "given already"),
    ],
)
def test_auditors_that_are_none_or_twice(auditor: str, sentence: str, workspace: Path, capsys: Any) -> None:
    assert sentence in refused(["--auditor", auditor, "shards/demo"], capsys)


def test_hostile_names_reach_neither_terminal_nor_files(workspace: Path, tmp_path: Path, capsys: Any) -> None:
    folder = os.fsencode(tmp_path / "photos")
    os.mkdir(folder)
    for name in (b"\x1b[31mred.png", b"latin\xff.png", b"two\nlines.png", b"=1+1.png"):
        with Path(portrait()).open("rb") as source, open(os.path.join(folder, name), "wb") as target:
            target.write(source.read())
    out = tmp_path / "out"
    given = ["--auditor", SCORE, "--aligned", "true", str(tmp_path / "photos"), "--out", str(out)]
    assert main(["audit", *given]) == 0
    printed = capsys.readouterr().out
    assert "\x1b[31m" not in printed
    names = {each["unit"] for each in json.loads((out / "audit.json").read_text(encoding="utf-8"))["answers"]}
    assert names == {"\\x1b[31mred.png", "latin\\xff.png", "two\\nlines.png", "=1+1.png"}
    assert "\x1b" not in refused(["--auditor", SCORE, "\x1b[31m.png"], capsys)


def test_pictures_that_are_no_faces_get_no_answer(workspace: Path, tmp_path: Path) -> None:
    """Declared as aligned, so that no detector has cut them."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, pictures in (("cartoon", cartoons(5)), ("landscape", landscapes(5))):
        for number, picture in enumerate(pictures):
            Image.fromarray(picture).save(folder / f"{name}{number}.png")
    given = ["--auditor", TABLE, "--aligned", "true", str(folder), "--out", str(tmp_path / "out")]
    assert main(["audit", *given]) == 0
    said = json.loads((tmp_path / "out/audit.json").read_text())["answers"]
    assert len(said) == 10
    assert {each["outcome"] for each in said} == {"outside the audit"}


def test_files_that_a_detector_cut_are_asked_of_drawn_faces_without_a_claim(workspace: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["audit", "--auditor", SCORE, portrait(), "--out", str(out), "--language", "es"]) == 0
    document = json.loads((out / "audit.json").read_text())
    assert document["detector"].startswith("detector=centerface")
    (said,) = document["answers"]
    assert said["detected"] > 0.5
    assert said["outcome"] != "scores like training photos"
    assert said["outcome_words"] in (
        "fuera de la auditoría",
        "no distinguible",
        "no se puede saber: pertenencia o base de datos",
    )


def test_a_table_that_read_neither_pixels_nor_outcome_still_knows_its_photos(workspace: Path, tmp_path: Path) -> None:
    from mint_lightning.auditor import load_auditor

    rows = '[{"head": "vanilla", "taps": ["conv1"]}, {"head": "batchnorm"}]'
    config = ["--config", "table_faces", "--rows", rows, "--recipe", '{"epochs": 1}', "--pixels", "false"]
    assert main(["table", *config, "--twins", "0", "--name", "narrow"]) == 0
    narrow = load_auditor(Path("mlruns/tables/narrow/auditors/vanilla_conv1")).novelty
    whole = load_auditor(Path(HEAD)).novelty
    assert narrow is not None
    assert whole is not None
    assert narrow.model.mean == pytest.approx(whole.model.mean, rel=0.02, abs=0.02)  # there kept at half precision
    assert (narrow.faces is None) == (whole.faces is None)
    noise = tmp_path / "noise.png"
    Image.fromarray(landscapes(1)[0]).save(noise)
    out = tmp_path / "out"
    given = ["--auditor", "mlruns/tables/narrow/auditors/vanilla_conv1", "--aligned", "true", str(noise)]
    assert main(["audit", *given, "--out", str(out)]) == 0
    (said,) = json.loads((out / "audit.json").read_text())["answers"]
    assert said["outcome"] == "outside the audit"


def test_photos_are_read_in_the_number_format_that_the_auditor_was_made_in(
    copied: Path, tmp_path: Path, capsys: Any
) -> None:
    def scores(auditor: Path, name: str) -> list[float]:
        given = ["--auditor", str(auditor), "--aligned", "true", portrait(), "--out", str(tmp_path / name)]
        assert main(["audit", *given]) == 0
        return [each["score"] for each in json.loads((tmp_path / name / "audit.json").read_text())["answers"]]

    card = copied / "auditor.json"
    document = json.loads(card.read_text())
    assert document["network"]["run"]["precision"] == "float32"
    document["network"]["run"]["precision"] = "bfloat16"
    document["name"] = "rounded"
    card.write_text(json.dumps(document))
    (copied / "novelty.safetensors").unlink()  # every photo is to be scored
    del document["files"]["novelty.safetensors"]
    card.write_text(json.dumps(document))
    plain = tmp_path / "plain"
    shutil.copytree(copied, plain)
    exact = {**document, "network": {**document["network"], "run": {"precision": "float32"}}, "name": "exact"}
    (plain / "auditor.json").write_text(json.dumps(exact))
    rough, fine = scores(copied, "rough"), scores(plain, "fine")
    assert rough != fine
    assert rough == pytest.approx(fine, abs=0.2)
    both = ["--auditor", json.dumps([str(copied), str(plain)]), "--aligned", "true", portrait()]
    assert "another number format" in refused(both, capsys)
