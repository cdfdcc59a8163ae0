"""mint-lightning compare"""

import json
from pathlib import Path

from mint_lightning.commands.parsing import run_function, say
from mint_lightning.files import atomic_path, refuse_unwritable

EXAMPLES = """  mint-lightning compare                           all tables of the store, the latest of each network
  mint-lightning compare lfw lfw_warning           those of two experiments
  mint-lightning compare --out mlruns/compare      also as compare.md, compare.html and compare.csv
  mint-lightning compare --networks '[lfw_A, lfw_B]' --taps '[conv4, outcome]' --heads vanilla
  mint-lightning compare tables --all true         earlier runs of the same table too"""


def compare(
    experiments: list[str] | str | None = None,
    networks: list[str] | str | None = None,
    taps: list[str] | str | None = None,
    heads: list[str] | str | None = None,
    out: str | None = None,
    all: bool = False,
) -> None:
    """The tables of several audited networks side by side, read from the tracking store.

    Args:
        experiments: of the store, also as plain words behind the command; all that have tables by default.
        networks: only these, by name or by the first letters (6 or more) of the fingerprint.
        taps: only these places, as the tables print them: conv1, outcome, all conv.
        heads: only these: vanilla, cnn, score, or a score by its name.
        out: folder for compare.md, compare.html and compare.csv.
        all: every finished run, not only the latest of each table and network.
    """
    if out is not None:
        refuse_unwritable(Path(out))
    from mint_lightning.errors import UserError
    from mint_lightning.report.across import across_csv, side_by_side
    from mint_lightning.report.across_text import print_across, render_across_markdown
    from mint_lightning.tracking.history import read_tables
    from mint_lightning.tracking.store import open_store

    history = read_tables(open_store(make=False), _names(experiments), every=all)
    for sentence in history.skipped:
        say(sentence)
    if not history.tables:
        raise UserError("None of the tables found can be read by this version: run `mint-lightning table` again.")
    across = side_by_side(history.tables, networks=_names(networks), taps=_names(taps), heads=_names(heads))
    print_across(across)
    if out is None:
        return
    from mint_lightning.report.across_html import render_across_html

    for name, render in (
        ("compare.md", render_across_markdown),
        ("compare.csv", across_csv),
        ("compare.html", render_across_html),
    ):
        with atomic_path(Path(out) / name) as temporary:
            temporary.write_text(render(across), encoding="utf-8")
    print(f"Written: {Path(out) / 'compare.html'} (page), compare.md, compare.csv.")


def _names(given: list[str] | str | None) -> list[str]:
    return [given] if isinstance(given, str) else list(given or [])


def main(command: str, args: list[str]) -> None:
    """Run the command; the plain words in front are experiments."""
    count = next((number for number, word in enumerate(args) if word.startswith("-")), len(args))
    words = [f"--experiments={json.dumps(args[:count])}"] if count else []
    run_function(compare, command, [*words, *args[count:]], EXAMPLES)
