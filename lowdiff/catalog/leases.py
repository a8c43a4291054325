"""Who holds a batch, and whether they still live: a killed worker's batch is free at once."""

import os
import socket
from functools import cache

import psutil


@cache
def _own_start(pid: int) -> float:
    return float(psutil.Process(pid).create_time())


def this_worker() -> str:
    """The name under which this process leases work: `host:pid:start time`."""
    pid = os.getpid()
    return f"{socket.gethostname()}:{pid}:{_own_start(pid):.2f}"


def is_dead(owner: str) -> bool:
    """True when `owner` was a process of this host that does not run any more."""
    host, pid, started = owner.rsplit(":", 2)
    if host != socket.gethostname():
        return False  # cannot know: wait until the lease ends
    try:
        return abs(psutil.Process(int(pid)).create_time() - float(started)) > 1.0
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False
