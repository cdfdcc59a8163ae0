import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mint_lightning.errors import UserError
from mint_lightning.shards.manifest import Manifest, Shard

pytestmark = pytest.mark.unit

HASH = "0" * 64


def manifest(**changes):
    fields = {
        "tool_version": "1",
        "request": {"source": {"kind": "folder", "name": "faces"}},
        "request_hash": HASH,
        "image_size": 112,
        "alignment": "as given",
        "border": "as given",
        "encoder": "png",
        "seed": 0,
        "lanes": 8,
        "partitions": {"all": 1.0},
        "counts": {"faces": {"all": {"fit": {"images": 3, "identities": 2}}}},
        "broken": ({"photo": "a/ü.png", "reason": "not an image"},),
        "skipped": {"count": 1, "examples": ["a/Thumbs.db"]},
        "duplicates": 0,
        "keys_sha256": HASH,
        "partition_hash": HASH,
        "shards": (Shard("all-fit-lane00-00000.tar", "all", "fit", 0, 3, 10240, HASH),),
    }
    return Manifest(**{**fields, **changes})


def test_round_trip(tmp_path):
    saved = manifest()
    saved.save(tmp_path)
    loaded = Manifest.load(tmp_path)
    assert loaded == saved
    assert loaded.hash == saved.hash
    assert loaded.images == 3


def test_hash_tells_content_from_layout(tmp_path):
    saved = manifest()
    saved.save(tmp_path)
    content = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(dict(reversed(content.items()))))
    assert Manifest.load(tmp_path).hash == saved.hash
    assert manifest(seed=1).hash != saved.hash


@pytest.mark.parametrize("key", sorted(manifest().__dict__.keys() - {"faces", "role", "mixed", "photos", "classes"}))
def test_a_missing_key_is_named(tmp_path, key):
    content = edited(tmp_path)
    del content[key]
    with pytest.raises(UserError, match=key):
        reload(tmp_path, content)


def test_an_unknown_key_is_named(tmp_path):
    with pytest.raises(UserError, match="unknown key 'colour'"):
        reload(tmp_path, {**edited(tmp_path), "colour": 1})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 2}, "schema_version 2"),
        ({"schema_version": True}, "schema_version True"),
        ({"lanes": "8"}, "'lanes' = '8'"),
        ({"lanes": 0}, "'lanes' = 0"),
        ({"keys_sha256": "abc"}, "'keys_sha256'"),
        ({"shards": {}}, "'shards'"),
        ({"shards": [3]}, "Shard 0"),
        ({"shards": [{"name": "x.tar"}]}, "lacks key"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, change, message):
    with pytest.raises(UserError, match=message):
        reload(tmp_path, {**edited(tmp_path), **change})


@pytest.mark.parametrize("name", ["../x.tar", "/etc/x.tar", "a/b.tar", "x.zip", "pipe:x.tar"])
def test_a_shard_elsewhere_is_refused(tmp_path, name):
    content = edited(tmp_path)
    content["shards"][0]["name"] = name
    with pytest.raises(UserError, match="not a shard of ours"):
        reload(tmp_path, content)


@given(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.text(),
        st.lists(st.integers()),
        st.dictionaries(st.text(), st.integers()),
    )
)
def test_any_other_json_is_a_sentence(tmp_path_factory, value):
    folder = tmp_path_factory.mktemp("m")
    with pytest.raises(UserError):
        reload(folder, value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe"])
def test_a_damaged_file_is_a_sentence(tmp_path, content):
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(UserError, match="not valid JSON"):
        Manifest.load(tmp_path)


def test_no_manifest(tmp_path):
    with pytest.raises(UserError, match="There is no shard manifest at"):
        Manifest.load(tmp_path)


def test_reading_a_manifest_does_not_import_torch():
    code = "import mint_lightning.shards.manifest, mint_lightning.shards, sys; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def edited(folder):
    manifest().save(folder)
    return json.loads((folder / "manifest.json").read_text())


def reload(folder, content):
    (folder / "manifest.json").write_text(json.dumps(content))
    return Manifest.load(folder)
