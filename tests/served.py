"""A folder served over HTTP in a thread, with the faults that servers have."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Server:
    """What was asked for, and what goes wrong: `fault(path, n)` is "500", "cut" or "silent" at its n-th GET."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.fault: Callable[[str, int], str | None] = lambda path, time: None
        self.lock = threading.Lock()
        self.address = ""

    def tars(self) -> dict[str, int]:
        return {path: times for path, times in self.asked.items() if path.endswith(".tar")}


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *args: Any, server_of: Server, **more: Any) -> None:
        self.of = server_of
        super().__init__(*args, **more)

    def do_GET(self) -> None:
        with self.of.lock:
            self.of.asked[self.path] += 1
            fault = self.of.fault(self.path, self.of.asked[self.path])
        if fault in ("cut", "silent"):
            data = Path(self.translate_path(self.path)).read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])
            self.wfile.flush()
            if fault == "silent":
                time.sleep(1.0)
            self.close_connection = True
        elif fault is not None:
            self.send_error(int(fault))
        else:
            super().do_GET()

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[Server]:
    of = Server()
    handler = partial(_Handler, server_of=of, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        of.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield of
        finally:
            server.shutdown()
            thread.join()
