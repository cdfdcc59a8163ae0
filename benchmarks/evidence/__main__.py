"""What the auditors of a network say of people whose answer is known: benchmarks/evidence.md.

    make bench-evidence

Needs the folders lfw, att_orl, yale and cifar10 under MINT_DATA. Networks and shard sets are those of `make bench-lfw`,
made here where they do not stand. `table` makes auditors, `audit` asks them about all of LFW, photo by photo and person
by person, about AT&T and Yale, and about pictures that are no faces; every rate is counted on people of test, whom
nothing was fitted to or calibrated on.
"""

from benchmarks.evidence.asked import ask
from benchmarks.evidence.page import write
from benchmarks.lfw.parts import make_networks
from benchmarks.lfw.sets import WARNED


def main() -> None:
    make_networks()
    for warned in WARNED:
        if warned.name in ("att", "yale"):
            warned.pack()
    write(ask())


if __name__ == "__main__":
    main()
