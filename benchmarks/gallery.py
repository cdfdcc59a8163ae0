"""The bundles of docs/gallery: what is found where it was planted, where nothing is, and where nobody may tell.

    make gallery

Runs the demo, the demo on labels drawn among people whom its network never saw, and an audit across two databases: the
demo's members against faces that another hand drew. Each result becomes a bundle of docs/gallery, and is checked.
"""

import shutil
import sys
from pathlib import Path

from mint_lightning.cli import main as mint

GALLERY = Path(__file__).parents[1] / "docs/gallery"
OTHER = "synthetic:identities=700,photos=5,difficulty=plain,seed=9"
COMMANDS = (
    "demo",
    "demo --null",
    f"pack --source {OTHER} --name drawn_plainly --out shards/drawn_plainly --overwrite true --reuse true",
    (
        "table --config table_faces --name across --data.shards [shards/demo,shards/drawn_plainly] "
        "--data.members [demo.members] --data.externals [drawn_plainly] --seeds 1"
    ),
)
BUNDLES = {"planted": "demo", "nothing": "demo_null", "across": "across"}


def run(command: str) -> None:
    """Run a command of the front door; leaves on an error."""
    print(f"$ mint-lightning {command}", flush=True)
    sys.argv = ["mint-lightning", *command.split()]  # what a table says it was made by
    if code := mint(command.split()):
        raise SystemExit(code)


def main() -> None:
    """Make what is missing, and the bundles anew."""
    for command in COMMANDS:
        run(command)
    for name, table in BUNDLES.items():
        shutil.rmtree(GALLERY / name, ignore_errors=True)
        run(f"report mlruns/tables/{table} --out {GALLERY / name}")
        run(f"verify-bundle {GALLERY / name}")


if __name__ == "__main__":
    main()
