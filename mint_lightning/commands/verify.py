"""mint-lightning verify"""

import os
from pathlib import Path

from mint_lightning.commands.parsing import run_function
from mint_lightning.errors import UserError

EXAMPLES = "  mint-lightning verify shards/mine"


def verify(shards: str) -> None:
    """Read a whole shard set again and name everything that is wrong with it.

    Args:
        shards: folder of the shard set.
    """
    from mint_lightning.shards import verify as problems_of

    problems = problems_of(Path(shards), workers=os.cpu_count() or 1)
    for problem in problems:
        print(problem)
    if problems:
        raise UserError(f"{shards} has {len(problems)} problem{'s' * (len(problems) > 1)}: pack it again.")
    print(f"{shards}: every file, image, split and partition is as its manifest says.")


def main(command: str, args: list[str]) -> None:
    """Run the command."""
    run_function(verify, command, args, EXAMPLES)
