"""Words that speak of people, which nothing that is said of objects may have."""

import re
from pathlib import Path

HUMAN = re.compile(
    r"\b(persons?|people|faces?|facial|who|whom|nobody|somebody|everybody|personas?|gente|caras?|quien|quienes)\b", re.I
)


def human_words(text: str) -> list[str]:
    """What of a text speaks of people, with what stands around it; styles, comments and commands of a page left out."""
    text = re.sub(r"<style.*?</style>|<!--.*?-->|<code class=\"command\">.*?</code>", "", text, flags=re.S)
    text = "\n".join(line for line in text.splitlines() if not line.startswith("- Command:"))
    return [text[max(0, found.start() - 40) : found.end() + 40] for found in HUMAN.finditer(text)]


def of_files(folder: Path, *names: str) -> dict[str, list[str]]:
    """The same of files of a folder."""
    return {name: found for name in names if (found := human_words((folder / name).read_text(encoding="utf-8")))}
