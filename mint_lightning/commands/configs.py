"""`--config NAME`: a YAML file of the user's, or one of those that travel with the package."""

import os
from pathlib import Path

from mint_lightning.errors import UserError

OPTIONS = ("-c", "--config")
HELP = "a YAML file with these options, or the NAME of a shipped one; later options win"


def shipped_configs() -> dict[str, Path]:
    """The files of conf/ by name: inside the installed package, or beside the package in a checkout."""
    package = Path(__file__).parents[1]
    folder = next((each for each in (package / "conf", package.parent / "conf") if each.is_dir()), package)
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def with_config_paths(args: list[str]) -> list[str]:
    """`args` with a path after every --config; a --config without a value is left to the parser.

    Raises:
        UserError: a config is neither a file nor the name of a shipped one.
    """
    found = list(args)
    for i, word in enumerate(args):
        option, sign, value = word.partition("=")
        if option not in OPTIONS:
            continue
        if sign:
            found[i] = f"{option}={config_path(value)}"
        elif i + 1 < len(args) and not args[i + 1].startswith("-"):
            found[i + 1] = config_path(args[i + 1])
    return found


def config_path(value: str) -> str:
    """The file that `value` means, with or without conf/ and .yaml: one of here before a shipped one."""
    if not value or value == "-" or "{" in value or ": " in value or "\n" in value:
        return value  # standard input, or YAML on the command line: the parser reads both
    name = value.removeprefix("conf/").removesuffix(".yaml")
    for here in (value, f"{value}.yaml", f"conf/{name}.yaml"):
        if os.path.exists(here) and not os.path.isdir(here):  # not is_file: a shell's <(...) is a pipe
            return here
    shipped = shipped_configs()
    if name not in shipped:
        raise UserError(f"There is no config {value}: give a YAML file, or a shipped one: {', '.join(shipped)}.")
    return str(shipped[name])
