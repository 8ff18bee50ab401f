"""A check: what is wrong with a store, and the mending of what can be mended."""

from memos.life.checkup.checkup import Checkup
from memos.life.checkup.subjects import Subjects

__all__ = ["Checkup", "Subjects"]
