"""docs/your-own-network.md, run as it stands: its files written, its commands given to the program in their order."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mint_lightning.cli import main

pytestmark = pytest.mark.integration

PAGE = Path(__file__).parents[2] / "docs/your-own-network.md"
FAST = ["--recipe", '{"epochs": 1}', "--twins", "1", "--seeds", "1"]


def blocks() -> list[tuple[str, str]]:
    """(language, text) of each block of code, in order."""
    return re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_page_is_true(demo_workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards/demo").symlink_to(demo_workspace / "shards/demo")
    (tmp_path / "mlruns/networks").mkdir(parents=True)
    (tmp_path / "mlruns/networks/demo").symlink_to(demo_workspace / "mlruns/networks/demo")
    tables = []
    for language, text in blocks():
        if language == "python":
            name = text.splitlines()[0].removeprefix("# ")
            Path(name).write_text(text, encoding="utf-8")
            if name != "my_network.py":
                subprocess.run([sys.executable, name], check=True, capture_output=True)
            continue
        for line in text.strip().splitlines():
            words = shlex.split(line)
            assert words[0] == "mint-lightning"
            more = FAST if words[1] == "table" else ["--bf16", "false"] if words[1] == "train-audited" else []
            assert main([*words[1:], *more]) == 0, line
            tables += [words[words.index("--name") + 1] if "--name" in words else words[3]] if more is FAST else []
    assert tables == ["own_network", "by_name", "timm", "onnx_network"]
    found = {name: json.loads((tmp_path / f"mlruns/tables/{name}/table.json").read_text()) for name in tables}
    for name, table in found.items():
        assert all(row["excess"] is not None for row in table["evidence"]["rows"]), name
    same = [
        {row["name"]: row["auc"]["value"] for row in found[name]["evidence"]["rows"]}
        for name in ("own_network", "onnx_network")
    ]
    for row in ("Embedding norm", "Flip agreement", "Vanilla stem", "Vanilla body"):
        assert same[0][row] == pytest.approx(same[1][row], abs=3e-3)  # one network, as torch and as ONNX
    assert "random weights" in found["timm"]["context"]["network"]["name"]
