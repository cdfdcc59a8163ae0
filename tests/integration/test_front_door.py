"""The one door: help, errors of the command line, and what needs no network."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from mint_lightning.cli import COMMANDS, main

pytestmark = pytest.mark.integration


def quick(*args: str) -> tuple[float, subprocess.CompletedProcess[str]]:
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "mint_lightning", *args], capture_output=True, text=True, check=False)
    return time.perf_counter() - start, done


def test_help_lists_every_command_with_examples() -> None:
    _, done = quick("--help")
    assert done.returncode == 0
    assert all(f"  {name}" in done.stdout for name in COMMANDS)
    assert "examples:" in done.stdout


@pytest.mark.parametrize(
    "args",
    [
        ("nonsense",),
        ("pack", "--sauce", "folder:x"),
        ("table", "--twins", "many"),
        ("demo", "--identities", "few"),
        ("train-audited", "--loss", "arc"),
        ("verify",),
        ("pack", "--config", "nowhere.yaml"),
    ],
)
def test_an_argument_error_is_one_sentence_and_needs_no_torch(args: tuple[str, ...]) -> None:
    code = f"""
import sys
from mint_lightning.cli import main
code = main({list(args)!r})
assert not {{"torch", "lightning", "mlflow"}} & set(sys.modules), "a heavy import for an argument error"
sys.exit(code)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1


def test_verify_passes_and_names_a_changed_byte(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "shards/demo"]) == 0
    shard = next((workspace / "shards/demo").glob("*.tar"))
    content = shard.read_bytes()
    try:
        shard.write_bytes(content[:700] + bytes([content[700] ^ 1]) + content[701:])
        assert main(["verify", "shards/demo"]) == 2
    finally:
        shard.write_bytes(content)
    assert shard.name in capsys.readouterr().out
