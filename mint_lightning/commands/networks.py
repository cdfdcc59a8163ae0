"""mint-lightning networks"""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mint_lightning.commands.card_words import card_lines
from mint_lightning.commands.parsing import run_function
from mint_lightning.errors import UserError

if TYPE_CHECKING:
    from mint_lightning.audited import AuditedNetwork
    from mint_lightning.learning.check import Checked

EXAMPLES = """  mint-lightning networks
  mint-lightning networks describe iresnet100
  mint-lightning networks describe timm:resnet18 --every true
  mint-lightning networks describe mlruns/networks/mine/card.json
  mint-lightning networks check mobilefacenet --weights mobilefacenet.pt --pairs lfw
  mint-lightning networks check cifar_resnet20 --weights resnet20-12fca82f.th --labels cifar10"""


def networks(task: Literal["faces", "objects"] | None = None, long: bool = False) -> None:
    """The networks known by name. `networks describe NAME` lists a network's taps, `networks check NAME` measures it.

    Args:
        task: faces or objects alone.
        long: where weights are to be had, and on which terms, too.
    """
    from rich.table import Table

    from mint_lightning.audited.registry import OWN

    table = Table("name", "for", "what", "input", "taps", box=None, pad_edge=False)
    for name in ("source", "terms") if long else ():
        table.add_column(name)
    for name, known in OWN.items():
        if task in (None, known.task):
            height, width = known.preprocessing.size
            shown = [name, known.task, known.about, f"{known.preprocessing.channels} {height}x{width}"]
            more = [known.source or "-", known.licence or "-"] if long else []
            table.add_row(*shown, " ".join(known.taps), *more)
    _print(table)
    print("And timm:NAME for any model of timm, package.module:function for your own, an .onnx file, a card.json.")


def describe(
    name: str,
    weights: str | None = None,
    arguments: dict[str, Any] | None = None,
    every: bool = False,
) -> None:
    """Where a network can be read: each tap's module, size and cost.

    Args:
        name: a network's name, timm:NAME, package.module:function (your own code, which is run), a card.json, or a file
            FILE.onnx.
        weights: file of weights, to see that it fits; random weights without it.
        arguments: arguments of the architecture.
        every: list every module that can be a tap, not the taps that have names alone.
    """
    from rich.table import Table

    network = _network(name, weights, arguments)
    found = network.describe(every_module=every)
    table = Table("tap", "module", "channels", "height x width", "multiply-adds so far", box=None, pad_edge=False)
    for tap in found:
        size = "-" if tap.height is None else f"{tap.height}" if tap.width is None else f"{tap.height}x{tap.width}"
        table.add_row(tap.name, tap.module or "(output)", str(tap.channels), size, f"{100 * tap.share:.1f} %")
    prepared = network.preprocessing
    print(f"{network.name}, fingerprint {network.fingerprint()[:16]}")
    height, width = prepared.size
    print(f"Input: {prepared.channels} {height}x{width}, mean {_numbers(prepared.mean)}, std {_numbers(prepared.std)}"
          f"{', cut to the middle' if prepared.crop else ''}")  # fmt: skip
    for line in card_lines(network.card):
        print(line)
    _print(table)
    if not every:
        others = {tap.module for tap in network.describe(every_module=True)} - {tap.module for tap in found}
        near = ", ".join(sorted(others)[:6])
        print(f"{len(others)} more modules can be taps, by their paths: {near}, ... (--every true lists them).")


def check(
    name: str,
    weights: str | None = None,
    arguments: dict[str, Any] | None = None,
    pairs: Literal["lfw"] | None = None,
    labels: Literal["cifar10"] | None = None,
    preprocessing: dict[str, Any] | None = None,
    out: str | None = None,
) -> None:
    """Measure how well a network does what it was trained for, so that one that is fed wrongly is caught.

    The other order of channels is measured as well.

    Args:
        name: as for `networks describe`.
        weights: file of weights.
        arguments: arguments of the architecture.
        pairs: lfw: verification on LFW's 6,000 official pairs, from the folder in MINT_DATA.
        labels: cifar10: accuracy on the lossless subset of CIFAR-10, from the folder in MINT_DATA.
        preprocessing: values that differ from the network's own: {channels: BGR, mean: [...], std: [...]}.
        out: file for the figures, as JSON.
    """
    if (pairs is None) == (labels is None):
        raise UserError(
            "Say what is to be checked: --pairs lfw of a face network, or --labels cifar10 of a classifier."
        )
    from mint_lightning.learning.check import check_labels, check_pairs

    network = _network(name, weights, arguments, preprocessing)
    found = check_pairs(network) if pairs else check_labels(network)
    for each in found:
        print("\n".join(_lines(each)))
    own, other = found
    if other.worth > own.worth:
        print(f"Warning: {other.channels} does better than the network's own {own.channels}: it may be fed wrongly.")
    if out:
        from mint_lightning.files import write_json

        write_json(Path(out), {"network": network.name, "fingerprint": network.fingerprint(),
                               "checks": [asdict(each) for each in found]})  # fmt: skip


def _lines(each: "Checked") -> list[str]:
    order = f"{each.channels}{' (its own)' if each.own else ''}"
    if each.pairs:
        found = each.pairs
        reached = f"{_percent(found.accuracy, found.low, found.high)} of {found.pairs:,} pairs in {found.folds} folds"
        return [f"{order}: verification {reached}, AUC {found.auc:.4f}"]
    return [
        f"{order}: {of.split} {_percent(of.accuracy, of.low, of.high)} of {of.photos:,} photos" for of in each.labels
    ]


def _percent(value: float, low: float, high: float) -> str:
    return f"{100 * value:.2f} % [{100 * low:.2f}, {100 * high:.2f}]"


def _network(
    name: str, weights: str | None, arguments: dict[str, Any] | None, preprocessing: dict[str, Any] | None = None
) -> "AuditedNetwork":
    from mint_lightning.audited import NetworkSource

    path = Path(name)
    if path.suffix == ".onnx":
        return NetworkSource(architecture="onnx", weights=name, arguments=arguments, preprocessing=preprocessing).load()
    if path.suffix == ".json" or (path / "card.json").is_file():
        return NetworkSource(card=name, weights=weights, preprocessing=preprocessing, arguments=arguments).load()
    source = NetworkSource(architecture=name, weights=weights, arguments=arguments, preprocessing=preprocessing)
    return source.load()


def _numbers(values: tuple[float, ...]) -> str:
    return json.dumps([round(value, 3) for value in dict.fromkeys(values)] if len(set(values)) == 1 else list(values))


def _print(table: Any) -> None:
    from rich.console import Console

    console = Console()
    (console if console.is_terminal else Console(width=240)).print(table)


def main(command: str, args: list[str]) -> None:
    """Run `networks`, `networks describe` or `networks check`."""
    inner: dict[str, Callable[..., None]] = {"describe": describe, "check": check}
    if args and args[0] in inner:
        run_function(inner[args[0]], f"{command} {args[0]}", args[1:], EXAMPLES)
        return
    if args and not args[0].startswith("-"):
        raise UserError(
            f"networks knows describe and check, not {args[0]!r}; `networks describe {args[0]}` lists taps."
        )
    run_function(networks, command, args, EXAMPLES)
