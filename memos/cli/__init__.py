"""The command ``memos``: data on stdout, everything else on stderr, and an exit code that tells."""

from memos.cli.app import app, main

__all__ = ["app", "main"]
