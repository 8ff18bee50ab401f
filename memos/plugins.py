"""Finds a backend by port and name; built-in backends and plugins take the same path."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from memos.errors import BackendError, UnknownBackend

GROUP = "agent_memos"
"""Entry-point groups are ``agent_memos.<port>``."""

BUILT_IN = {
    "vectors": {
        "chroma": "memos.stores.vectors_chroma:ChromaVectors",
        "exact": "memos.stores.vectors_exact:ExactVectors",
    },
    "embedder": {
        "hash": "memos.models.embedder_hash:HashEmbedder",
        "onnx": "memos.models.embedder_onnx:OnnxEmbedder",
        "sentence": "memos.models.embedder_sentence:SentenceEmbedder",
    },
    "runtime": {
        "torch": "memos.models.runtime_torch:TorchRuntime",
    },
    "llm": {
        "openai": "memos.models.llm_openai:OpenAILLM",
        "replay": "memos.models.llm_replay:ReplayLLM",
        "runtime": "memos.models.llm_runtime:RuntimeLLM",
    },
    "rewriter": {
        "auto": "memos.steps.rewriter:AutoRewriter",
        "llm": "memos.steps.rewriter:LLMRewriter",
        "none": "memos.steps.rewriter:NoRewriter",
    },
    "reranker": {
        "auto": "memos.steps.reranker:AutoReranker",
        "llm": "memos.steps.reranker:LLMReranker",
        "none": "memos.steps.reranker:NoReranker",
    },
    "extractor": {
        "auto": "memos.steps.extractor_llm:AutoExtractor",
        "llm": "memos.steps.extractor_llm:LLMExtractor",
        "rules": "memos.steps.extractor_rules:RuleExtractor",
    },
    "teacher": {
        "auto": "memos.steps.teacher_llm:AutoTeacher",
        "llm": "memos.steps.teacher_llm:LLMTeacher",
        "rules": "memos.kinds.rule_teacher:RuleTeacher",
    },
    "redactor": {
        "detectors": "memos.models.redactor_detectors:DetectorRedactor",
        "patterns": "memos.models.redactor_patterns:PatternRedactor",
    },
}
"""What this distribution brings: port -> name -> class."""


def available(port: str) -> dict[str, EntryPoint]:
    """The backends of a port by name; nothing is imported.

    Raises:
        BackendError: two distributions offer the same name.
    """
    group = f"{GROUP}.{port}"
    found = {name: EntryPoint(name, value, group) for name, value in BUILT_IN.get(port, {}).items()}
    for point in entry_points(group=group):
        there = found.get(point.name)
        if there is not None and there.value != point.value:
            message = f"two {port} backends are called {point.name!r}: {there.value}, {point.value}"
            raise BackendError(message, hint="uninstall one of the two distributions")
        found[point.name] = point
    return found


def find(port: str, name: str) -> Any:
    """The class, or factory, of a backend; it is imported now.

    Raises:
        UnknownBackend: there is none of that name.
        BackendError: it is there but cannot be imported.
    """
    offered = available(port)
    if name not in offered:
        names = ", ".join(sorted(offered)) or "none"
        raise UnknownBackend(f"no {port} backend is called {name!r}", hint=f"there are: {names}")
    try:
        return offered[name].load()
    except ImportError as error:
        message = f"the {port} backend {name!r} cannot be imported: {error}"
        raise BackendError(message, hint="is the library it wraps installed?") from error
