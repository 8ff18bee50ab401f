"""The command line as its tests call it: in this process, with real pipes, or on a terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from memos.cli import app
from memos.testing.tiny_model import write_tiny_model

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Told:
    """What a command wrote."""

    stdout: str
    stderr: str

    @property
    def ids(self) -> list[str]:
        """The lines of ``-q``."""
        return self.stdout.split()

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The objects of JSON lines."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    @property
    def texts(self) -> list[str]:
        """The texts of the cubes in JSON lines."""
        return [row["cube"]["payload"]["text"] for row in self.rows]


Memos = Callable[..., Told]
Shell = Callable[..., Told]
Terminal = Callable[..., str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, quick backends, and no settings of the person who runs the tests."""
    for name in [name for name in os.environ if name.startswith("AGENT_MEMOS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AGENT_MEMOS_EMBEDDER__BACKEND", "hash")
    monkeypatch.setenv("AGENT_MEMOS_VECTORS__BACKEND", "exact")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def memos() -> Memos:
    """Runs a command in this process; stdin and stdout are no terminal."""

    def run(*words: str, typed: str | None = None, code: int = 0) -> Told:
        result = CliRunner().invoke(app, list(words), input=typed, catch_exceptions=False)
        assert result.exit_code == code, result.output
        return Told(result.stdout, result.stderr)

    return run


@pytest.fixture
def shell() -> Shell:
    """Runs a command as a process of its own."""

    def run(*words: str, code: int = 0) -> Told:
        command = [sys.executable, "-m", "memos", *words]
        done = subprocess.run(command, input="", capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        return Told(done.stdout, done.stderr)

    return run


@pytest.fixture
def terminal() -> Terminal:
    """Runs a command whose stdin, stdout and stderr are one terminal: what a person sees."""

    def run(*words: str, typed: str = "", **environment: str) -> str:
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "memos", *words]
        process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, **environment}
        )
        os.close(theirs)
        os.write(ours, typed.encode())
        seen = b"".join(_chunks(ours))
        process.wait()
        os.close(ours)
        return seen.decode()

    return run


def _chunks(terminal: int) -> list[bytes]:
    chunks: list[bytes] = []
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # how a terminal says that nobody writes to it any more
            return chunks
        if not chunk:
            return chunks
        chunks.append(chunk)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A language model that is real in all but its knowledge."""
    folder = tmp_path_factory.mktemp("tiny-model")
    write_tiny_model(folder / "model")
    return folder


@pytest.fixture
def tiny_runtime(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny model as the configured one, and lessons too short to be learnt."""
    monkeypatch.setenv("AGENT_MEMOS_RUNTIME__MODEL", str(tiny_model / "model"))
    monkeypatch.setenv("AGENT_MEMOS_CACHE", str(tiny_model / "cache"))
    monkeypatch.setenv("AGENT_MEMOS_TRAINING__STEPS", "2")


@pytest.fixture
def remembered(memos: Memos) -> list[str]:
    """Ids of three memories: two of Alice's, one of Bob's."""
    said = [
        ("Alice moved to Lisbon.", "alice", "--label", "home", "--meta", "year=2024"),
        ("Alice works as a baker.", "alice", "--at", "2024-05-01"),
        ("Bob likes tea.", "bob"),
    ]
    return [memos("add", text, "-q", "--user", user, *more).ids[0] for text, user, *more in said]
