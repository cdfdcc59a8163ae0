"""The fresh pair is opened once: what was to be asked of it is written down before anything of it is seen."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.heads.parts import CONF, SEED
from mint_lightning.files import read_json, sha256_file, write_json

RECORD = Path(__file__).parent / "opened.json"
ASKED = CONF / "lfw_fresh.yaml"


def write() -> None:
    """Write down when the pair was opened, and the hash of what is asked; a record that stands is kept."""
    if RECORD.is_file():
        check()
        return
    opened = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    write_json(RECORD, {"opened": opened, "seed": SEED, "asked": ASKED.name, "sha256": sha256_file(ASKED)})
    print(f"{RECORD.name}: the fresh pair is opened now; commit it.")


def check() -> None:
    """Leave unless the pair was opened with the very questions that stand in conf/ now."""
    if not RECORD.is_file():
        sys.exit("The fresh pair is closed: when conf/lfw_fresh.yaml says all that is to be asked, give --open, once.")
    record = read_json(RECORD, "record of the opening")
    if record.get("sha256") != sha256_file(ASKED) or record.get("seed") != SEED:
        sys.exit(
            f"The fresh pair was opened on {record.get('opened')} with another {ASKED.name}: what is asked now was "
            "chosen after it was seen. Take another seed for a pair that is fresh."
        )


def opened_words() -> str:
    """When, for the page."""
    record = read_json(RECORD, "record of the opening")
    return f"opened {record['opened']}, `conf/{record['asked']}` of sha256 {str(record['sha256'])[:12]}"
