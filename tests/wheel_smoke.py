"""A wheel in an empty environment, run in an empty folder: `python tests/wheel_smoke.py WHEEL CONSTRAINTS`."""

import os
import subprocess
import sys
import tempfile
import time
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SMALL = ("--identities", "240", "--epochs", "1")  # as in tests/integration/conftest.py
HEAD = ("--trainer.max_epochs", "1", "--trainer.enable_progress_bar", "false", "--trainer.accelerator", "cpu")
TABLE = ("--name", "again", "--rows", '[{"head": "norm"}]', "--twins", "1", "--accelerator", "cpu")
LEFT = (
    "mlruns/tables/demo/report.html",
    "mlruns/tables/again/report.html",
    "mlruns/auditors/faces_vanilla/auditor.json",
)


def check_contents(wheel: Path) -> None:
    """The packages, their files that are not Python, conf/, and nothing else."""
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"mint_lightning", "datamodules"}, tops
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]
    wanted = {f"mint_lightning/conf/{path.name}" for path in ROOT.glob("conf/*.yaml")}
    wanted |= {str(path.relative_to(ROOT)) for path in ROOT.glob("mint_lightning/report/templates/*")}
    assert wanted | {"mint_lightning/py.typed"} <= set(names), wanted - set(names)


def run(folder: Path, *command: str | Path, code: int = 0) -> str:
    """Standard output of a command that must end with `code`, run without a way back to the repository."""
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    words = " ".join([Path(command[0]).name, *map(str, command[1:])])
    print(f"{time.perf_counter() - start:6.1f} s, exit {done.returncode}: {words}", flush=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


def main(wheel: Path, constraints: Path) -> None:
    """Install and run; an AssertionError says what is wrong."""
    check_contents(wheel)
    with tempfile.TemporaryDirectory() as scratch:
        environment, folder = Path(scratch).resolve() / "environment", Path(scratch).resolve() / "empty"
        folder.mkdir()
        venv.create(environment)  # without pip: ours installs into it
        python, command = environment / "bin/python", environment / "bin/mint-lightning"
        pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet")
        run(folder, *pip, "--constraint", constraints, wheel)

        for package in ("mint_lightning", "datamodules"):
            origin = run(folder, python, "-c", f"import {package}; print({package}.__file__)").strip()
            assert Path(origin).is_relative_to(environment), origin
            print(f"         imported from {origin}")
        assert "faces_vanilla" in run(folder, command, "--help")
        assert run(folder, command, "--version").strip() == wheel.name.split("-")[1]
        assert "table_faces" in run(folder, command, "table", "--config", "nothing", code=2)

        said = run(folder, command, "demo", *SMALL)
        assert "make ui" not in said, said
        assert "--config faces_vanilla" in said, said
        run(folder, command, "table", "--config", "table_faces", *TABLE)
        run(folder, command, "fit", "--config", "conf/faces_vanilla.yaml", *HEAD)
        run(folder, command, "report", "mlruns/tables/demo", "--out", "bundle")
        for bundle in (folder / "bundle", *sorted(path.parent for path in ROOT.glob("docs/gallery/*/bundle.json"))):
            assert "whole." in run(folder, command, "verify-bundle", bundle)
        for path in LEFT:
            assert (folder / path).is_file(), path
    print(f"{wheel.name} works in an empty environment.")


if __name__ == "__main__":
    main(*(Path(argument).resolve() for argument in sys.argv[1:3]))
