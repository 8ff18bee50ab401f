"""The steps that there are, made by name when they are first asked for."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from memos.errors import BackendError, MissingModel, UnknownBackend
from memos.governance.sensitivity import is_among
from memos.kinds.rule_teacher import RuleTeacher
from memos.steps.extractor_rules import RuleExtractor
from memos.steps.reranker import NoReranker
from memos.steps.rewriter import NoRewriter

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from memos.cube import MemCube
    from memos.ports.llm import LLM
    from memos.ports.runtime import Runtime
    from memos.ports.steps import Extractor, Reranker, Rewriter, Step, Teacher

_PLAIN = {
    ("extractor", "rules"): RuleExtractor,
    ("reranker", "none"): NoReranker,
    ("rewriter", "none"): NoRewriter,
    ("teacher", "rules"): RuleTeacher,
}
"""Steps that are always there: nothing has to be looked for, which takes some 20 ms."""
_NEEDS = ("never", "optional", "required")


@dataclass(frozen=True, slots=True)
class Usual:
    """The steps that are taken unless a call says otherwise."""

    rewriter: str = "none"
    reranker: str = "none"
    extractor: str = "auto"
    teacher: str = "rules"


@dataclass(slots=True)
class Steps:
    """Makes steps, and decides what they may be shown.

    Args:
        find: the class of a step, by its port and name.
        open_llm: opens the language model; None where the settings name none.
        usual: which steps are taken unless a call says otherwise.
        withheld: the levels of sensitivity that are not shown to a remote model.
    """

    find: Callable[[str, str], Any]
    open_llm: Callable[[], LLM] | None
    usual: Usual
    withheld: Collection[str]
    _made: dict[tuple[str, str], Any] = field(default_factory=dict)
    _llm: LLM | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def rewriter(self, name: str | None) -> Rewriter:
        """The rewriter of that name; None for the usual one. Errors as for :meth:`extractor`."""
        made: Rewriter = self._step("rewriter", name or self.usual.rewriter)
        return made

    def reranker(self, name: str | None) -> Reranker:
        """The reranker of that name; None for the usual one. Errors as for :meth:`extractor`."""
        made: Reranker = self._step("reranker", name or self.usual.reranker)
        return made

    def extractor(self, name: str | None) -> Extractor:
        """The extractor of that name; None for the usual one.

        Raises:
            UnknownBackend: there is none of that name.
            MissingModel: it needs a language model, and the settings name none.
        """
        made: Extractor = self._step("extractor", name or self.usual.extractor)
        return made

    def teacher(self, name: str | None) -> Teacher:
        """The teacher of that name; None for the usual one. Errors as for :meth:`extractor`."""
        made: Teacher = self._step("teacher", name or self.usual.teacher)
        return made

    def require_usual(self) -> None:
        """See whether the usual steps can be taken; nothing is made. Errors as above."""
        for port in ("rewriter", "reranker", "extractor", "teacher"):
            name = getattr(self.usual, port)
            if name != getattr(Usual(), port):  # these are always possible
                self._require_possible(port, name, self._backend(port, name))

    def shows(self, cube: MemCube, step: Step) -> bool:
        """Whether the step may be shown the cube: a remote model is not shown what is secret."""
        if step.needs_llm == "never" or self._llm is None or not self._llm.remote:
            return True
        return not is_among(cube.header.governance.sensitivity, self.withheld)

    def close(self) -> None:
        """Let go of the language model, if it was opened."""
        with self._lock:
            if self._llm is not None:
                self._llm.close()

    def _step(self, port: str, name: str) -> Any:
        with self._lock:
            if (port, name) not in self._made:
                backend = self._backend(port, name)
                self._require_possible(port, name, backend)
                wants = backend.needs_llm != "never"
                self._made[port, name] = backend(self._opened()) if wants else backend()
            return self._made[port, name]

    def _backend(self, port: str, name: str) -> Any:
        return _PLAIN.get((port, name)) or self.find(port, name)

    def _opened(self) -> LLM | None:
        if self._llm is None and self.open_llm is not None:
            self._llm = self.open_llm()
        return self._llm

    def _require_possible(self, port: str, name: str, backend: Any) -> None:
        needs = getattr(backend, "needs_llm", None)
        if needs not in _NEEDS:
            message = f"the {port} {name!r} says of its need for a language model: {needs!r}"
            raise BackendError(message, hint=f"needs_llm is one of: {', '.join(_NEEDS)}")
        if needs == "required" and self.open_llm is None:
            message = f"the {port} {name!r} needs a language model, and llm.backend is none"
            hint = "set llm.backend to openai (with llm.url and llm.model), runtime or replay"
            raise MissingModel(message, hint=hint)


def plain_steps(_runtime: Runtime) -> Steps:
    """The steps that need no language model, and no others."""
    return Steps(_no_others, None, Usual(extractor="rules"), withheld=())


def _no_others(port: str, name: str) -> Any:
    names = ", ".join(sorted(known for of, known in _PLAIN if of == port))
    raise UnknownBackend(f"no {port} is called {name!r}", hint=f"there are: {names}")
