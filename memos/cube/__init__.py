"""The unit of memory: a cube is header, payload and provenance, and does no I/O."""

from memos.cube.cube import MemCube
from memos.cube.header import Behaviour, Governance, Header, Life, State
from memos.cube.payload import (
    Activation,
    Adapter,
    AnyAdapter,
    Evaluation,
    Fingerprint,
    Kind,
    Parametric,
    Payload,
    Plaintext,
    Prefix,
    Retention,
    Routing,
    SideMemory,
    TrainingRecord,
)
from memos.cube.principal import OWNERS, ROOT, Party, Principal, Right, read_right
from memos.cube.provenance import Parent, Provenance, Source, Step
from memos.cube.scope import EVERYBODY, Scope

__all__ = [
    "EVERYBODY",
    "OWNERS",
    "ROOT",
    "Activation",
    "Adapter",
    "AnyAdapter",
    "Behaviour",
    "Evaluation",
    "Fingerprint",
    "Governance",
    "Header",
    "Kind",
    "Life",
    "MemCube",
    "Parametric",
    "Parent",
    "Party",
    "Payload",
    "Plaintext",
    "Prefix",
    "Principal",
    "Provenance",
    "Retention",
    "Right",
    "Routing",
    "Scope",
    "SideMemory",
    "Source",
    "State",
    "Step",
    "TrainingRecord",
    "read_right",
]
