"""An MLflow server of our own, which a test may kill and start again on the same port and database."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import lightning as L
from lightning.pytorch.callbacks import Callback

from mint_lightning.tracking.library import ENVIRONMENT


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Gate:
    """A port in front of a server that can be shut, as if the server were gone, and opened again at once."""

    def __init__(self, to: int) -> None:
        self.to, self.port = to, free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._listener: socket.socket | None = None
        self._pipes: list[socket.socket] = []

    def open(self) -> None:
        """Let through what comes."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def shut(self) -> None:
        """Refuse what comes, and break off what is under way."""
        if self._listener is not None:
            for each in (self._listener, *self._pipes):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()
            self._listener, self._pipes = None, []

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                one, _ = listener.accept()
            except OSError:
                return
            try:
                other = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                one.close()
                continue
            self._pipes += [one, other]
            for pair in ((one, other), (other, one)):
                threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)


class ShutAt(Callback):
    """Call what stands in `ShutAt.how` once, after `step` batches or, without, when all are done."""

    how: ClassVar[list[Callable[[], None]]] = []

    def __init__(self, step: int | None = None) -> None:
        self.step = step

    def on_train_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            self._end()

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._end()

    def _end(self) -> None:
        while self.how:
            self.how.pop()()


class MlflowServer:
    """`mlflow server` over a sqlite database in `folder`, which serves its artifacts too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        given = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"} | ENVIRONMENT | dict(os.environ)
        given.pop("MLFLOW_TRACKING_URI", None)
        place = ["--backend-store-uri", f"sqlite:///{self.folder}/server.db"]
        place += ["--artifacts-destination", str(self.folder / "artifacts")]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port),
             "--workers", "1", *place],
            env=given, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        deadline = time.monotonic() + 120
        while not self._answers():
            assert self._process.poll() is None, "the MLflow server ended"
            assert time.monotonic() < deadline, "the MLflow server does not start"
            time.sleep(0.2)

    def kill(self) -> None:
        """End it at once, with its workers."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.address}/health", timeout=2).close()
        except (urllib.error.URLError, OSError):
            return False
        return True
