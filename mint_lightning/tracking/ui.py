"""The MLflow page on our store: `python -m mint_lightning.tracking.ui [PORT]`, run in the folder that holds mlruns."""

import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from mint_lightning.errors import UserError
from mint_lightning.tracking.library import ENVIRONMENT
from mint_lightning.tracking.store import Store, open_store
from mint_lightning.tracking.view import VIEWS, view_url

HOST = "127.0.0.1"
PORT = 5000


def ui_command(port: int = PORT) -> list[str]:
    """The command that serves MLflow's page to this machine alone; `ui_environment` says on which store."""
    return [
        *(sys.executable, "-m", "mlflow", "ui"),
        *("--host", HOST, "--port", str(port), "--workers", "1"),
        *("--uvicorn-opts", "--no-access-log"),  # a line for every request would bury the address
    ]


def ui_environment(store: Store) -> dict[str, str]:
    """The environment of that command. The address of the store may hold a password, and everybody on a machine can
    read the words of a command."""
    # Jobs are for judging the traces of language models: seven idle processes and their log.
    given = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"} | ENVIRONMENT | dict(os.environ)
    return given | {"MLFLOW_BACKEND_STORE_URI": store.uri}


def links(store: Store, port: int = PORT) -> list[str]:
    """One line for each saved view of each experiment that has runs to compare: names and address."""
    found = store.client.search_experiments(order_by=["last_update_time DESC"])
    server = f"http://{HOST}:{port}"
    return [
        f"{each.name}, {view.name}: {view_url(server, each.experiment_id, view)}"
        for each in found
        for view in VIEWS
        if view.tag in each.tags
    ]


def serve(root: Path | str = ".", port: int = PORT, uri: str | None = None) -> NoReturn:
    """Become the server of the page, until Ctrl-C. A port in use or a remote store is a `UserError`."""
    store = open_store(root, uri)
    if store.uri.startswith(("http://", "https://")):
        raise UserError(f"The runs are kept on a server, which has a page of its own: {store.shown}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise UserError(f"Port {port} is in use: give another, for example {port + 1}.") from error
    for line in links(store, port) or ["No table has been logged yet."]:
        print(line, flush=True)
    print("Ctrl-C stops the server.", flush=True)
    os.execve(sys.executable, ui_command(port), ui_environment(store))  # in our place: no server outlives its command


def main(args: Sequence[str]) -> int:
    """`[PORT]`"""
    try:
        if len(args) > 1 or (args and not args[0].isdigit()):
            raise UserError("The page takes one argument at most, its port: python -m mint_lightning.tracking.ui 5001")
        serve(port=int(args[0]) if args else PORT)
    except UserError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
