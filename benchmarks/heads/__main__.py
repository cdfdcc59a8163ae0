"""Heads that carry over to people they never saw: tried on one pair of networks, measured once on a fresh pair.

    make bench-heads                       needs the folder lfw under MINT_DATA, and what make bench-objects trained
    python -m benchmarks.heads --tried     the development pair alone
    python -m benchmarks.heads --open      open the fresh pair: written down in opened.json, once

The pair A, B of `make bench-lfw` is development data: every row of conf/lfw_heads.yaml is tried on it, and what was
chosen there stands in conf/lfw_fresh.yaml. The fresh pair, C and D, was trained on halves of LFW drawn anew; its table
is made only after `--open` has written down which rows are asked. What stands already is reused.
"""

import argparse
from pathlib import Path

from benchmarks.heads import opened
from benchmarks.heads.page import PAGE, write
from benchmarks.heads.parts import DOOR, carried, classifiers, fresh, fresh_networks, tried
from benchmarks.lfw.parts import make_networks


def main(given: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tried", action="store_true", help="only the tables of the development pair")
    parser.add_argument("--open", action="store_true", help="write down that the fresh pair is opened, and open it")
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args(given)
    make_networks()
    DOOR.run_together([(table.command, table.result) for table in tried()], "the development pair")
    if options.tried:
        return
    if options.open:
        opened.write()
    opened.check()
    fresh_networks()
    DOOR.run_together(
        [(table.command, table.result) for table in [*fresh(), *carried(), *classifiers()]], "the fresh pair"
    )
    write(options.page)
    print(f"{options.page}: written")


if __name__ == "__main__":
    main()
