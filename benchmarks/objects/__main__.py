"""The second MINT setting: classifiers of CIFAR-10 and GTSRB, early and over-trained, and one trained by others.

    make bench-objects

Needs the folders cifar10, gtsrb and models under MINT_DATA. Packs three shard sets, trains the object-classification
paper's network on members of CIFAR-10 and of GTSRB (with an early checkpoint and the one that validation stops), four
reference networks on random halves of each, and runs every table of benchmarks/objects.md. What stands already and was
made from the same files is reused, so a run that was stopped goes on.
"""

import argparse
import sys
from pathlib import Path

from benchmarks.objects.page import PAGE, write
from benchmarks.objects.parts import DOOR, NEEDED, packs, tables, trainings


def main(given: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cifar10-epochs", type=int, default=60, help="of the audited network of CIFAR-10")
    parser.add_argument("--gtsrb-epochs", type=int, default=30, help="of that of GTSRB")
    parser.add_argument("--cifar10-early", type=int, default=10, help="epoch of its early checkpoint")
    parser.add_argument("--gtsrb-early", type=int, default=5, help="epoch of its early checkpoint")
    parser.add_argument("--half-epochs", type=int, default=10, help="of the networks trained on halves")
    parser.add_argument("--only", nargs="*", help="names of tables to make")
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args(given)
    if missing := [path for path in NEEDED if not path.is_file()]:
        sys.exit(f"There is no {missing[0]}: set MINT_DATA to the folder of the data.")
    epochs = {"cifar10": options.cifar10_epochs, "gtsrb": options.gtsrb_epochs}
    early = {"cifar10": options.cifar10_early, "gtsrb": options.gtsrb_early}
    networks = trainings(epochs, early, options.half_epochs)
    for command, result in [*packs(), *networks]:
        DOOR.run(command, result)
    wanted = [table for table in tables(early) if options.only is None or table.name in options.only]
    DOOR.run_together([(table.command, table.result) for table in wanted])
    write(options.page, wanted, [command for command, _ in [*packs(), *networks]], early)
    print(f"{options.page}: written")


if __name__ == "__main__":
    main()
