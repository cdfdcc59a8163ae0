"""mint-lightning sync"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mint_lightning.commands.parsing import run_function
from mint_lightning.errors import UserError
from mint_lightning.files import read_json

if TYPE_CHECKING:
    from mint_lightning.tracking.store import Store

EXAMPLES = """  mint-lightning sync                                     each run to the store it was meant for
  mint-lightning sync --tracking-uri http://tracking.example:5000
  MLFLOW_TRACKING_URI=postgresql://mint:PASSWORD@db.example/mint mint-lightning sync"""


def sync(tracking_uri: str | None = None) -> None:
    """Send what the tracking store did not take when it was logged: figures of runs, and whole tables.

    They wait in mlruns/unsent of the current folder, in their order. What was sent is removed; killed and run again it
    goes on, and nothing is sent twice.

    Args:
        tracking_uri: send everything there; by default each to the store it was meant for, whose password is taken from
            MLFLOW_TRACKING_URI.
    """
    from mint_lightning.progress import track as bar
    from mint_lightning.tracking.library import patient
    from mint_lightning.tracking.unsent import PLACE, waiting

    runs, notes = waiting(Path()), sorted(PLACE.glob("table-*.json"))
    if not runs and not notes:
        print(f"Nothing waits to be sent in {PLACE}.")
        return
    sending = _Sending(tracking_uri)
    work: list[Callable[[], str]] = [lambda each=each: sending.run(each) for each in runs]  # type: ignore[misc]
    work += [lambda each=each: sending.table(each) for each in notes]  # type: ignore[misc]
    failed: list[str] = []
    with _alone(PLACE), patient():
        for send in bar(work, "sending"):
            try:
                print(send())
            except UserError as error:
                failed.append(str(error).rstrip("."))
    if failed:
        reasons = "; ".join(dict.fromkeys(failed))
        raise UserError(f"{len(failed)} of {len(work)} were not sent and stay in {PLACE}: {reasons}.")


class _Sending:
    """The stores, each asked for once, so that one that is down is waited for once."""

    def __init__(self, given: str | None) -> None:
        self.given = given
        self.stores: dict[str, Store | UserError] = {}

    def run(self, unsent: Any) -> str:
        """Send a run; what was sent, in a sentence."""
        from mint_lightning.tracking.sending import send
        from mint_lightning.tracking.unsent import without_secrets
        from mint_lightning.tracking.view import set_views

        header = unsent.header
        store = self._store(header["store"])
        with self._failing(header["store"], unsent.folder):
            experiment = store.experiment(header["experiment"])
            set_views(store.client, experiment)
            sent = send(unsent, store.client, experiment, without_secrets(store.uri, Path()))
            name = store.client.get_run(sent.run).info.run_name
        counts = f"{sent.figures:,} figures, {sent.params} parameters, {sent.files} files or folders"
        return f"Sent {header['experiment']}/{name}: {counts} -> {store.shown}, run {sent.run}."

    def table(self, path: Path) -> str:
        """Log a finished table; where, in a sentence."""
        from mint_lightning.commands.publish import TABLE
        from mint_lightning.commands.track import track
        from mint_lightning.evidence import TableEvidence
        from mint_lightning.report import Context

        note = read_json(path, "note of a table")
        folder = Path(note["table"])
        if not (folder / TABLE).is_file():
            raise UserError(f"the table {folder} is gone; remove {path} to forget it")
        document = read_json(folder / TABLE, "table")
        evidence, context = TableEvidence.from_json(document["evidence"]), Context.from_json(document["context"])
        store = self._store(note["store"])
        with self._failing(note["store"], path):
            track(evidence, context, folder, note["experiment"], document["request"],
                  register=note["register"], uri=store.uri, wait=False)  # fmt: skip
        path.unlink(missing_ok=True)
        return f"Sent {note['experiment']}/{context.title}: the table in {folder} -> {store.shown}."

    def _store(self, name: str) -> "Store":
        from mint_lightning.tracking.store import open_store

        if name not in self.stores:
            try:
                self.stores[name] = open_store(uri=self.given or _with_password(name))
            except UserError as error:
                self.stores[name] = error
        found = self.stores[name]
        if isinstance(found, UserError):
            raise found
        return found

    @contextmanager
    def _failing(self, name: str, place: Path) -> Iterator[None]:
        """Make a sentence of what the store refuses; one that died is not asked again."""
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        from mint_lightning.tracking.outage import outage
        from mint_lightning.tracking.store import one_line

        try:
            yield
        except (UserError, MlflowException, SQLAlchemyError, OSError) as error:
            reason = outage(error)
            if reason is None:
                raise UserError(f"{place} was refused ({one_line(error).rstrip('.')})") from error
            died = UserError(f"the tracking store {self.given or name} does not answer ({reason})")
            self.stores[name] = died
            raise died from error


def _with_password(name: str) -> str:
    """The address of a store that was noted without its password: the user's own, if it is that store's."""
    from mint_lightning.tracking.unsent import without_secrets

    own = os.environ.get("MLFLOW_TRACKING_URI")
    return own if own and without_secrets(own, Path()) == name else name


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """One sends at a time: two would send the same."""
    with (place / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(f"Another `mint-lightning sync` is sending what waits in {place}.") from error
        except OSError:  # a file system without locks
            pass
        yield


def main(command: str, args: list[str]) -> None:
    """Run the command."""
    run_function(sync, command, args, EXAMPLES)
