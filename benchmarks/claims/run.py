"""How often membership is claimed where nobody was a member: benchmarks/claims.md.

    make bench-claims

Six small networks are trained on one generated database. Two other groups of generated people, of whom none saw
anybody, are called members and outsiders, and the outsiders are saved as JPEG, blurred, framed, turned grey, or drawn
otherwise. Each network in turn is audited, the others being its references, through the program's own table; every
claim is false. What was counted is kept under mlruns/benchmarks/claims, so a run that was stopped goes on.
"""

import argparse
from pathlib import Path

from benchmarks.claims import cells as claims_cells
from benchmarks.claims import page as claims_page
from benchmarks.claims.databases import CHANGES
from benchmarks.common.jobs import ROOT, Bench, Job, machine

MATTERS = (
    "datamodules/*.py",
    *(f"mint_lightning/{room}/**/*.py" for room in ("audited", "heads", "evidence")),
    "mint_lightning/learning/*.py",
    "benchmarks/claims/cells.py",
    "benchmarks/claims/databases.py",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20, help="of images and heads")
    parser.add_argument("--pool", type=int, default=6, help="networks")
    parser.add_argument("--people", type=int, default=400, help="that the networks are trained on")
    parser.add_argument("--identities", type=int, default=300, help="in each group")
    parser.add_argument("--training_epochs", type=int, default=15)
    parser.add_argument("--epochs", type=int, default=15, help="of the heads")
    parser.add_argument("--changes", nargs="*", default=list(CHANGES), choices=list(CHANGES))
    parser.add_argument("--folder", type=Path, default=Path("mlruns/benchmarks/claims"))
    parser.add_argument("--page", type=Path, default=ROOT / "benchmarks/claims.md")
    parser.add_argument("--fresh", action="store_true", help="count anew what is kept")
    parser.add_argument("--part", help=argparse.SUPPRESS)  # one job as JSON: how the parent gives work to a process
    options = parser.parse_args()
    bench = Bench("benchmarks.claims", options.folder, MATTERS, claims_cells)
    if options.part:
        bench.work(options.part)
        return
    networks = bench.here(lambda: claims_cells.pool(options.pool, options.people, options.training_epochs))
    common = {"networks": networks, "identities": options.identities, "epochs": options.epochs}
    jobs: list[Job] = [("cells", {"changes": options.changes, "seed": n, **common}) for n in range(options.seeds)]
    for results in bench.results(jobs, fresh=options.fresh):
        claims_page.write(options.page, results, machine())
    print(f"{options.page}: written")
