"""A PostgreSQL server of our own, on a free port, gone with the test."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PLACES = "/usr/lib/postgresql/*/bin"
PASSWORD = "se cret"


def missing() -> str | None:
    """Why no server can be started here, or None."""
    if _program("initdb") is None or _program("pg_ctl") is None:
        return "PostgreSQL's initdb and pg_ctl are not installed"
    if os.geteuid() == 0 and _user() is None:
        return "root may not run PostgreSQL, and there is no user postgres"
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "the driver psycopg is not installed"
    return None


@contextmanager
def server() -> Iterator[str]:
    """The address of the database `mint` of a running server, its user's password included."""
    with tempfile.TemporaryDirectory(dir="/tmp", ignore_cleanup_errors=True) as temporary:  # a socket's path is short
        place, port = Path(temporary), _free_port()
        (place / "password").write_text(PASSWORD)
        if os.geteuid() == 0:
            for path in (place, place / "password"):
                shutil.chown(path, _user())
        data = str(place / "data")
        _run("initdb", "-D", data, "-U", "mint", "-A", "password", "--no-sync", f"--pwfile={place / 'password'}")
        settings = f"-p {port} -k {place} -c listen_addresses=127.0.0.1 -c fsync=off"
        _run("pg_ctl", "-D", data, "-w", "-o", settings, "-l", str(place / "log"), "start")
        try:
            address = f"postgresql://mint:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{port}"
            _make_database(f"{address}/postgres")
            yield f"{address}/mint"
        finally:
            _run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


def _make_database(address: str) -> None:
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE DATABASE mint")


def _run(name: str, *arguments: str) -> None:
    program = _program(name)
    assert program is not None
    who = {"user": _user(), "group": pwd.getpwnam(str(_user())).pw_gid} if os.geteuid() == 0 else {}
    done = subprocess.run(
        [program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/tmp", check=False, **who
    )
    assert done.returncode == 0, done.stderr.decode()


def _program(name: str) -> str | None:
    found = sorted(Path("/").glob(f"{PLACES[1:]}/{name}"))
    return str(found[-1]) if found else shutil.which(name)


def _user() -> str | None:
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
