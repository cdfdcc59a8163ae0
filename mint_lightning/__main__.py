"""`python -m mint_lightning`, also installed as `mint-lightning`."""

import sys

from mint_lightning.cli import main


def run() -> None:
    """Run the command line of this process."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    run()
