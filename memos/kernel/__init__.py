"""The system calls."""

from __future__ import annotations

from memos.kernel.access import AccessCalls
from memos.kernel.auditing import AuditCalls
from memos.kernel.branching import BranchCalls
from memos.kernel.context import ContextCalls
from memos.kernel.extracting import ExtractCalls
from memos.kernel.forget import ForgetCalls
from memos.kernel.handle import Whose
from memos.kernel.ingesting import IngestCalls
from memos.kernel.living import LifeCalls
from memos.kernel.moments import MomentCalls
from memos.kernel.parametric import ParametricCalls
from memos.kernel.parts import Parts
from memos.kernel.places import PlaceCalls
from memos.kernel.sharing import SharingCalls
from memos.kernel.superseding import SupersedeCalls
from memos.kernel.training import TrainingCalls
from memos.kernel.upkeep import UpkeepCalls

__all__ = ["Kernel", "Parts", "Whose"]


class Kernel(
    IngestCalls,
    ExtractCalls,
    BranchCalls,
    TrainingCalls,
    ParametricCalls,
    SupersedeCalls,
    ContextCalls,
    LifeCalls,
    MomentCalls,
    ForgetCalls,
    AccessCalls,
    AuditCalls,
    SharingCalls,
    PlaceCalls,
    UpkeepCalls,
):
    """The system calls over one store.

    Every call takes ``user_id``, ``agent_id`` and ``session_id``: it touches only cubes that have
    the ids that are given. A call that gives none touches all that the handle is bound to. What
    lies outside is to the caller as if it did not exist, and so is what the handle's principal has
    no right to read. Every call leaves a row in the journal. Calls may come from several threads.
    """
