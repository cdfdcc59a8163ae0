"""The README's Python, run as it stands."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

README = Path(__file__).parents[2] / "README.md"


def test_the_ten_lines_of_python_run(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 1
    assert len(blocks[0].strip().splitlines()) <= 12
    exec(compile(blocks[0], "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "Vanilla conv4" in printed
    assert "Flip agreement" in printed


def test_the_files_it_names_exist() -> None:
    for link in re.findall(r"\]\(((?!http)[^)]+)\)", README.read_text(encoding="utf-8")):
        assert (README.parent / link).exists(), link
