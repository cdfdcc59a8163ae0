"""Typed functions as commands: the signature is the schema, the argument docs are the help."""

import argparse
import copy
import inspect
import logging
import re
import sys
import warnings
from collections.abc import Callable
from typing import Any

from jsonargparse import ArgumentParser, Namespace, set_parsing_settings

from mint_lightning.commands.configs import HELP, OPTIONS
from mint_lightning.commands.parser_words import plain_words
from mint_lightning.errors import UserError


def use_settings() -> None:
    """Let ${...} in a config refer to keys from its top, also inside the arguments of a class."""
    set_parsing_settings(omegaconf_absolute_to_relative_paths=True)


def run_function(function: Callable[..., Any], command: str, args: list[str], examples: str) -> Any:
    """Parse `args` by the signature of `function`, --config YAML included, and call it."""
    return function(**parse_function(function, command, args, examples))


def parse_function(
    function: Callable[..., Any], command: str, args: list[str], examples: str, *, plain: str | None = None
) -> dict[str, Any]:
    """The arguments of `function` as given on the command line and in --config files.

    plain: the argument that takes the words without an option, a list; without it a first such word is the first
    argument. Dashes in the names of options are as good as underscores.

    Raises:
        UserError: an argument is unknown, missing or of the wrong type.
    """
    use_settings()
    parser = ArgumentParser(
        prog=f"mint-lightning {command}",
        description=(function.__doc__ or "").split("\n\n")[0],
        epilog="examples:\n" + examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parser_mode="omegaconf+",
        exit_on_error=False,
    )
    parser.add_argument(*OPTIONS, action="config", help=HELP)
    if plain is not None:
        parser.add_argument(plain, nargs="*", type=str, help=_help_of(function, plain))
    parser.add_function_arguments(function, as_positional=False, skip={plain} if plain is not None else set())
    words = _with_flags(function, [_underscored(word) for word in args])
    try:
        parsed = parser.parse_args(words if plain is not None else _with_positional(parser, words))
        return dict(vars(without_config(parsed)))
    except argparse.ArgumentError as error:
        raise UserError(f"{one_sentence(error)} (see mint-lightning {command} --help)") from error
    except AttributeError as error:  # the parser's own, where a class_path is given anew over a config's arguments
        raise UserError(
            f"A class_path does not fit what else is given ({one_sentence(error)}): set it in YAML."
        ) from error


def _with_positional(parser: ArgumentParser, args: list[str]) -> list[str]:
    """`verify DIR` is what people type: a first bare word is the first argument."""
    if args and not args[0].startswith("-"):
        first = next(
            a for a in parser._actions if a.option_strings and a.dest not in ("help", "config", "print_config")
        )
        return [first.option_strings[0], *args]
    return args


def _underscored(word: str) -> str:
    """--group-by=x as --group_by=x."""
    if not word.startswith("--"):
        return word
    name, sign, value = word.partition("=")
    return f"--{name[2:].replace('-', '_')}{sign}{value}"


def _with_flags(function: Callable[..., Any], args: list[str]) -> list[str]:
    """A bare --NAME of a yes or no as --NAME=true."""
    kinds = {name: each.annotation for name, each in inspect.signature(function).parameters.items()}
    flags = {f"--{name}" for name, kind in kinds.items() if kind in (bool, bool | None)}
    followed = [*args, "--"][1:] if args else []
    return [
        f"{word}=true" if word in flags and after.startswith("--") else word
        for word, after in zip(args, followed, strict=True)
    ]


def _help_of(function: Callable[..., Any], argument: str) -> str:
    """What the docstring says of an argument."""
    found = re.search(rf"^\s+{argument}: (.*?)(?=^\s+\w+: |\Z)", function.__doc__ or "", re.DOTALL | re.MULTILINE)
    return " ".join(found[1].split()) if found else ""


def without_config(parsed: Namespace) -> argparse.Namespace:
    """Without the config bookkeeping."""
    values = {k: v for k, v in vars(parsed).items() if k not in ("config", "print_config")}
    return argparse.Namespace(**values)


def one_sentence(error: BaseException) -> str:
    """The message of a parser's error, on one line."""
    return " ".join(str(error).split()).rstrip(".")


def raise_user_error_behind(error: BaseException) -> None:
    """Raise the `UserError` that a parser wrapped in an error of its own, if there is one."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, UserError):
            raise cause
        cause = cause.__cause__ or cause.__context__


def typed(kind: Any, value: Any, what: str) -> Any:
    """`value`, as YAML gave it, as an instance of `kind` (a class by class path, a dataclass, a list of them)."""
    parser = ArgumentParser(exit_on_error=False, parser_mode="omegaconf+")
    parser.add_argument("--value", type=kind)
    try:
        # The parser writes into what it is given.
        return parser.instantiate(parser.parse_object({"value": copy.deepcopy(value)})).value
    except (argparse.ArgumentError, AttributeError, TypeError, ValueError) as error:
        raise_user_error_behind(error)
        raise UserError(f"{what}: {plain_words(one_sentence(error), kind)}.") from error


def quiet_lightning() -> None:
    """Without Lightning's advertisements and its notes on devices, which say nothing about an audit."""
    for name in ("lightning.pytorch.utilities.rank_zero", "lightning.fabric.utilities.seed",
                 "lightning.pytorch.trainer.connectors.checkpoint_connector"):  # fmt: skip
        logging.getLogger(name).setLevel(logging.WARNING)
    for text in (".*LeafSpec.*", ".*does not have many workers.*", ".*smaller than the logging interval.*",
                 ".*Couldn't infer the batch indices.*", ".*recommended to use .self.log.*sync_dist.*"):  # fmt: skip
        warnings.filterwarnings("ignore", message=text)


def say(text: str) -> None:
    """A line for people, on standard error, so that standard output stays what was asked for."""
    print(text, file=sys.stderr)
