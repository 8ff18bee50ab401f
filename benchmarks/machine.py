"""Where a figure was measured: printed above every table."""

from __future__ import annotations

from memos.evaluation.machine import machine

__all__ = ["machine"]
