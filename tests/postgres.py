"""A real PostgreSQL of the tests' own, where Debian's package is installed."""

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

NewDatabase = Callable[[], str]


def programs() -> Path | None:
    """The folder of initdb and postgres."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return folders[-1] if folders else None


@contextmanager
def running_postgres() -> Iterator[NewDatabase]:
    """A cluster in a folder of its own; yields what makes an empty database and tells its URL."""
    found = programs()
    if found is None:
        pytest.skip("PostgreSQL is not installed: `make postgres` installs it")
    folder = Path(tempfile.mkdtemp(prefix="lowdiff-postgres-"))
    # postgres refuses to run as root; the package brings an account for it
    account: dict[str, Any] = {}
    if os.getuid() == 0:
        account = {"user": "postgres", "group": "postgres", "extra_groups": []}
        shutil.chown(folder, "postgres", "postgres")
    data = folder / "data"
    try:
        subprocess.run(
            [found / "initdb", "-D", data, "-U", "lowdiff", "-A", "trust", "-E", "UTF8",
             "--locale=C", "--no-sync"],
            check=True, capture_output=True, cwd=folder, **account,
        )  # fmt: skip
        server = subprocess.Popen(
            [found / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=",
             "-c", "fsync=off"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **account,
        )  # fmt: skip
        try:
            yield _maker(folder)
        finally:
            server.send_signal(signal.SIGINT)  # the fast way: it does not wait for clients
            server.wait()
    finally:
        shutil.rmtree(folder)


def _maker(folder: Path) -> NewDatabase:
    numbers = itertools.count(1)
    _wait_for(folder)

    def new_database() -> str:
        name = f"catalog_{next(numbers)}"
        with psycopg.connect(f"host={folder} user=lowdiff dbname=postgres", autocommit=True) as it:
            it.execute(f"CREATE DATABASE {name}")
        return f"postgresql://lowdiff@/{name}?host={folder}"

    return new_database


def _wait_for(folder: Path) -> None:
    for _try in range(300):
        try:
            psycopg.connect(f"host={folder} user=lowdiff dbname=postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("PostgreSQL does not start")
