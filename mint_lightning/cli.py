"""The one door: names every command, imports the one that is asked for, and turns errors of the user into sentences."""

import errno
import os
import select
import sys
from collections.abc import Sequence
from importlib import import_module

from mint_lightning import __version__
from mint_lightning.commands.configs import shipped_configs, with_config_paths
from mint_lightning.errors import UserError
from mint_lightning.printable import printable

COMMANDS = {
    "demo": ("demo", "run the whole job on synthetic faces with planted members"),
    "pack": ("pack", "photos -> shard set with a manifest and identity-disjoint splits"),
    "verify": ("verify", "read a shard set again and name what is wrong with it"),
    "shift": ("shift", "what tells two sets of photos apart without any network"),
    "networks": ("networks", "the networks known by name; describe their taps, check that they are fed rightly"),
    "train-audited": ("train_audited", "train a network on recorded members, to be audited"),
    "table": ("table", "every tap and head beside its controls, from one pass of the networks"),
    "audit": ("audit", "do these photos, or these people, score like training photos?"),
    "report": ("report", "the evidence bundle: a folder that others can read and check"),
    "verify-bundle": ("verify_bundle", "compute every figure and hash of a bundle again"),
    "compare": ("compare", "the tables of several audited networks side by side, from the tracking store"),
    "sync": ("sync", "send what the tracking store did not take when it was logged"),
    "fit": ("lightning", "train one auditing head"),
    "validate": ("lightning", "figures of a head on the validate split"),
    "test": ("lightning", "figures of a head on the test split, thresholds from calibrate"),
    "predict": ("lightning", "one score per image, as parquet"),
}

UNWRITABLE = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.EEXIST,
    errno.EISDIR,
    errno.ENOTDIR,
    errno.ENAMETOOLONG,
)

HELP = """Audit what a vision model was trained on: Membership Inference Test (MINT).

usage: python -m mint_lightning COMMAND [OPTIONS]        (also: mint-lightning COMMAND [OPTIONS])

commands:
{commands}

configs, found by name from any folder (--config NAME; a file of yours goes before):
  {configs}

examples:
  mint-lightning demo
  mint-lightning pack --source folder:photos --out shards/mine --partitions '{{"members": 0.5, "externals": 0.5}}'
  mint-lightning verify shards/mine
  mint-lightning train-audited --shards shards/mine --partitions '[members]' --out mlruns/networks/mine
  mint-lightning fit --config faces_vanilla
  mint-lightning test --config faces_vanilla --ckpt_path mlruns/checkpoints/faces_vanilla/best.ckpt
  mint-lightning table --config table_faces --twins 5 --name five_twins
  mint-lightning audit --auditor mlruns/tables/demo me.jpg
  mint-lightning report mlruns/tables/demo --out bundle
  mint-lightning verify-bundle bundle
  mint-lightning compare --out mlruns/compare
  mint-lightning sync

COMMAND --help lists the options of a command. Version {version}.
"""


def main(args: Sequence[str]) -> int:
    """Run one command; 0 on success, 2 with one sentence on standard error for an error of the user, 130 on Ctrl-C."""
    try:
        if not args or args[0] in ("-h", "--help", "help"):
            print(help_text(), flush=True)
            return 0
        if args[0] in ("-V", "--version"):
            print(__version__)
            return 0
        if args[0] not in COMMANDS:
            raise UserError(f"There is no command {args[0]!r}; the commands are {', '.join(COMMANDS)}.")
        command = import_module(f"mint_lightning.commands.{COMMANDS[args[0]][0]}")
        command.main(args[0], with_config_paths(list(args[1:])))
        sys.stdout.flush()
        return 0
    except UserError as error:
        print(f"Error: {printable(str(error))}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        if not _nobody_reads():  # a pipe of our own
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        print(f"Error: {error.filename or 'A file'} cannot be written: {error.strerror}.", file=sys.stderr)
        return 2
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        print(
            "Error: Memory ran out: take half the batch size (--data.batch_size; train-audited: --batch_size), fewer "
            f"--data.workers or --workers, or a smaller --max_memory_gib{_first_words(error)}.",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        from mint_lightning.commands.processes import started_here

        if started_here():
            return 130
        print("Stopped. Nothing half-written was left; finished parts are used again.", file=sys.stderr)
        return 130


def _nobody_reads() -> bool:
    """Whether standard output is the broken pipe: `| head` has seen enough."""
    state = select.poll()
    state.register(sys.stdout.fileno(), 0)
    return any(event & select.POLLERR for _, event in state.poll(0))


def out_of_memory(error: BaseException) -> bool:
    """Whether it says that memory, of the processor or of a GPU, has no room; torch says so in words alone."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return any(words in str(error) for words in ("can't allocate memory", "CUDA out of memory", "CUBLAS_STATUS_ALLOC"))


def _first_words(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f" ({lines[0][:160].rstrip('.')})" if lines else ""


def help_text() -> str:
    """The help that lists all commands."""
    lines = [f"  {name:<15}{help_}" for name, (_, help_) in COMMANDS.items()]
    return HELP.format(commands="\n".join(lines), configs=", ".join(shipped_configs()), version=__version__)
