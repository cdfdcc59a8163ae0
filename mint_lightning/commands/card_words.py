"""What a network's card says of its training, for people."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mint_lightning.audited import NetworkCard


def card_lines(card: "NetworkCard | None") -> list[str]:
    """One line on the members, one for each figure that the network reached, and the classes; none without a card."""
    if card is None:
        return []
    found = []
    if {"images", "identities", "partitions"} <= set(card.members):
        of = ", ".join(card.members["partitions"])
        epochs = card.config.get("epochs_trained", card.config.get("epochs"))
        half = card.config.get("half")
        found.append(
            f"Members: {card.members['images']:,} photos of {card.members['identities']:,} identities of {of}"
            f"{f', half {half[0]} of {half[1]}' if half else ''}{f', epochs: {epochs}' if epochs else ''}"
        )
    found += [line for name, value in card.accuracy.items() for line in figure_lines(name, value)]
    if classes := card.config.get("classes"):
        found.append(f"Classes: {len(classes)}: {', '.join(classes[:10])}{', ...' if len(classes) > 10 else ''}")
    return found


def figure_lines(name: str, value: Any) -> Iterator[str]:
    """What a card says of a figure, "Accuracy, test: 51.90 % [48.60, 55.10] of 918 photos"."""
    if not isinstance(value, Mapping):
        shown = f"{value:.4f}" if isinstance(value, float) else "not measured" if value is None else value
        yield f"{name.replace('_', ' ').capitalize()}: {shown}"
    elif "accuracy" not in value:
        for inner, each in value.items():
            yield from figure_lines(f"{name}, {inner}", each)
    else:
        interval = f" [{_percent(value['low'])}, {_percent(value['high'])}]" if {"low", "high"} <= set(value) else ""
        number = f" of {value['images']:,} photos" if "images" in value else ""
        number += f", loss {value['loss']:.4f}" if "loss" in value else ""
        yield f"Accuracy, {name.replace('_', ' ')}: {_percent(value['accuracy'])} %{interval}{number}"


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"
