"""mint-lightning verify"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mint_lightning.commands.parsing import run_function
from mint_lightning.errors import UserError

if TYPE_CHECKING:
    from mint_lightning.learning.overlap import Overlap

EXAMPLES = """  mint-lightning verify shards/mine
  mint-lightning verify shards/mine --near 4 --csv pairs.csv
  mint-lightning verify shards/externals --against shards/members --write-without shards/externals_clean
  mint-lightning verify shards/externals --against shards/members --network mobilefacenet --weights mobilefacenet.pt"""

SHOWN = 5
NAMES = {"exact": "exact copies", "near": "near duplicates", "person": "likely the same person"}


def verify(
    shards: str,
    near: int | None = None,
    against: str | None = None,
    network: str | None = None,
    weights: str | None = None,
    false_match_rate: float = 1e-4,
    write_without: str | None = None,
    csv: str | None = None,
    json: str | None = None,
) -> None:
    """Read a whole shard set again and name everything that is wrong with it, or what it shares with another.

    Args:
        shards: folder of the shard set.
        near: also find images that look alike: bits of a 64-bit perceptual hash (DCT) that may differ; 4 where
            `against` or `write_without` is given.
        against: folder of another shard set, whose images and near duplicates are looked for here.
        network: card.json or name of a face network, to find likely the same people in both sets by its embeddings.
        weights: file of the network's weights.
        false_match_rate: share of pairs of different people of `shards` that pass for one; it sets the threshold.
        write_without: folder of a new shard set: `shards` without the people that are also in `against`; without
            `against`, only the first of each group of copies stays.
        csv: file for all pairs found, as CSV.
        json: file for the pairs and how they were found, as JSON.
    """
    wanted = near is not None or against is not None or write_without is not None
    given = (network, "network"), (weights, "weights"), (csv, "csv"), (json, "json")
    for value, name in given[: 2 if wanted else 4]:
        if value is not None and against is None:
            asked = "--against OTHER" if name in ("network", "weights") else "--near or --against"
            raise UserError(f"--{name} is for comparing: give {asked} as well.")
    if weights is not None and network is None:
        raise UserError("--weights are those of a network: give --network as well.")
    if wanted:
        _compare(shards, near, against, network, weights, false_match_rate, write_without, csv, json)
        return
    from mint_lightning.shards import verify as problems_of
    from mint_lightning.shards.remote import local_set

    problems = problems_of(local_set(shards), workers=os.cpu_count() or 1)
    for problem in problems:
        print(problem)
    if problems:
        raise UserError(f"{shards} has {len(problems)} problem{'s' * (len(problems) > 1)}: pack it again.")
    print(f"{shards}: every file, image, split and partition is as its manifest says.")


def _compare(
    shards: str,
    near: int | None,
    against: str | None,
    network: str | None,
    weights: str | None,
    false_match_rate: float,
    out: str | None,
    csv: str | None,
    json: str | None,
) -> None:
    from mint_lightning.learning.overlap import ShardSet, find_overlap
    from mint_lightning.shards.near import NEAR
    from mint_lightning.shards.without import write_without

    one = ShardSet.open(shards)
    other = ShardSet.open(against) if against else None
    if other and other.manifest.hash == one.manifest.hash:
        raise UserError(
            f"{shards} and {against} are the same shard set: leave --against out to compare it with itself."
        )
    if out and Path(out).exists() and (not Path(out).is_dir() or any(Path(out).iterdir())):
        raise UserError(f"{out} stands in the way: name another folder, or remove it yourself.")
    audited = None
    if network:
        from mint_lightning.audited import NetworkSource

        is_card = network.endswith(".json") or (Path(network) / "card.json").is_file()
        if not weights and not is_card:
            raise UserError(f"{network} without weights knows nobody: give --weights FILE.")
        source = (
            NetworkSource(card=network, weights=weights)
            if is_card
            else NetworkSource(architecture=network, weights=weights)
        )
        audited = source.load()
    near = NEAR if near is None else near
    found = find_overlap(one, other, near=near, network=audited, false_match_rate=false_match_rate)
    _show(found)
    _files(found, csv, json)
    if out:
        why = {
            "against": other.manifest.hash if other else None,
            "near": near,
            "pairs": {kind: pairs.found for kind, pairs in found.pairs.items()},
            "network": audited.fingerprint() if audited else None,
            "false_match_rate": found.matches.rate if found.matches else None,
        }
        removed = found.removed()
        left = write_without(one.root, one.manifest, one.keys, removed, Path(out), why)
        print(f"{out}: {left.images:,} images; {len(removed):,} of {shards} were left out.")


def _show(found: "Overlap") -> None:
    beside = found.other or found.one
    within = f"{found.one.root} and {found.other.root}" if found.other else f"{found.one.root}"
    print(f"{within}: {len(found.one.keys):,}{f' and {len(beside.keys):,}' * bool(found.other)} images")
    if found.other and (found.one.manifest.image_size != beside.manifest.image_size):
        print(f"Their images have {found.one.manifest.image_size} and {beside.manifest.image_size} pixels a side.")
    for kind, pairs in found.pairs.items():
        how = {"near": f", within {found.near} of 64 bits", "exact": "", "person": ""}[kind]
        print(f"{pairs.found:,} pairs: {NAMES[kind]}{how}")
        for first, second, value in list(zip(pairs.first, pairs.second, pairs.value, strict=True))[:SHOWN]:
            one, other = (
                f"{keys.source[row]}/{keys.identity[row]} {keys.origin[row]} ({keys.partition[row]}, {keys.split[row]})"
                for keys, row in ((found.one.keys, first), (beside.keys, second))
            )
            print(f"  {one} = {other}" + ("" if kind == "exact" else f", {value:.3g}"))
        if pairs.found > len(pairs.first):
            print(f"  Only the {len(pairs.first):,} closest are kept.")
    if found.matches:
        at = found.matches
        print(
            f"The same person from a cosine of {at.threshold:.4f}: passed by {at.rate:.2g} "
            f"[{at.low:.2g}, {at.high:.2g}] "
            f"of {at.pairs:,} pairs of different people ({at.images:,} photos of {at.identities:,}) of "
            f"{found.one.root}. {found.compared:,} pairs were compared, so about {at.rate * found.compared:,.0f} "
            "would be listed if nobody were in both, as far as photos are like those."
        )


def _files(found: "Overlap", csv: str | None, json: str | None) -> None:
    from csv import DictWriter
    from dataclasses import asdict

    from mint_lightning.files import atomic_path, write_json

    entries = list(found.table()) if csv or json else []
    if csv:
        sides = [
            f"{each}_{side}" for side in "ab" for each in ("key", "source", "identity", "partition", "split", "origin")
        ]
        with atomic_path(Path(csv)) as path, path.open("w", newline="", encoding="utf-8") as stream:
            writer = DictWriter(stream, ["kind", "value", *sides])
            writer.writeheader()
            writer.writerows(entries)
    if json:
        write_json(
            Path(json),
            {
                "a": found.one.manifest.hash,
                "b": found.other.manifest.hash if found.other else None,
                "near": found.near,
                "found": {kind: pairs.found for kind, pairs in found.pairs.items()},
                "false_matches": asdict(found.matches) if found.matches else None,
                "compared": found.compared,
                "pairs": entries,
            },
        )


def main(command: str, args: list[str]) -> None:
    """Run the command."""
    run_function(verify, command, args, EXAMPLES)
