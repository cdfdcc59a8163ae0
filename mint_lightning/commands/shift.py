"""mint-lightning shift"""

from pathlib import Path

from mint_lightning.commands.parsing import parse_function
from mint_lightning.errors import UserError

EXAMPLES = """  mint-lightning shift shards/members shards/externals
  mint-lightning shift shards/lfw --partitions H1 H2 --limit 5000
  mint-lightning shift shards/members shards/externals --picture shift.png --json shift.json"""


def shift(
    sets: list[str],
    partitions: list[str] | None = None,
    limit: int = 2000,
    picture: str | None = None,
    json: str | None = None,
    allow_mixed: bool = False,
) -> None:
    """What tells two sets of photos apart without any network, and so could pass for membership.

    Args:
        sets: folders of two shard sets, or of one with `partitions`.
        partitions: two partitions of the one shard set, to be compared.
        limit: images of each set that are looked at, drawn by the hash of their keys.
        picture: file for the picture, PNG: distributions and mean images, never one person's photo.
        json: file for the report as JSON.
        allow_mixed: compare sets whose photos were aligned in different ways, too, to see what that alone does.
    """
    if partitions is not None and (len(partitions) != 2 or len(set(partitions)) != 2):
        raise UserError("--partitions takes two partitions of one shard set: --partitions H1 H2.")
    if len(sets) != (1 if partitions else 2):
        raise UserError(
            "shift compares two shard sets (shift A B), or two partitions of one (shift A --partitions C D)."
        )
    if len(sets) == 2 and Path(sets[0]).resolve() == Path(sets[1]).resolve():
        raise UserError(f"{sets[0]} and {sets[1]} are the same shard set: name another, or two of its --partitions.")
    from mint_lightning.files import atomic_path, write_json
    from mint_lightning.learning.shift import look_at
    from mint_lightning.learning.shift import shift as compared
    from mint_lightning.report import shift as report
    from mint_lightning.shards import Manifest
    from mint_lightning.shards.join import PIPELINE, realign_words
    from mint_lightning.shards.remote import local_set

    first, second = partitions or (None, None)
    roots = [local_set(each) for each in sets]
    manifests = [Manifest.load(root) for root in roots]
    named = {Path(each).name or each: manifest for each, manifest in zip(sets, manifests, strict=True)}
    for each in () if allow_mixed else PIPELINE:
        values = [getattr(manifest, each) for manifest in manifests]
        if len(set(values)) > 1:
            differ = f"The shard sets {sets[0]} and {sets[-1]} differ in {each} ({' and '.join(values)})"
            raise UserError(f"{differ}: {realign_words(named)}.")
    one = look_at(roots[0], first, limit)
    other = look_at(roots[-1], second, limit, one.manifest.image_size)
    found = compared(one, other)
    print("\n".join(report.lines(found)))
    if picture:
        with atomic_path(Path(picture)) as path:
            path.write_bytes(report.picture(found).png())
    if json:
        write_json(Path(json), report.values(found))


def main(command: str, args: list[str]) -> None:
    """Run the command; the two words after --partitions are its list."""
    if "--partitions" in args:
        at = args.index("--partitions") + 1
        named: list[str] = []
        while at < len(args) and len(named) < 2 and not args[at].startswith(("-", "[")):
            named.append(args.pop(at))
        if named:
            args = [*args[:at], f"[{', '.join(named)}]", *args[at:]]
    shift(**parse_function(shift, command, args, EXAMPLES, plain="sets"))
