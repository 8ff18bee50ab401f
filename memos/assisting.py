"""Builds the language model of the optional steps, and the steps themselves, from settings."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from memos.config import LLM_KEY_VARIABLE, Settings, llm_key_from_environment
from memos.errors import BadSetting, MissingKey
from memos.models.llm_replay import RecordingLLM
from memos.plugins import find
from memos.ports.grounds import require_outside
from memos.steps.steps import Steps, Usual
from memos.stores.keyrings import find_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from memos.config import LLMSettings
    from memos.ports.llm import LLM
    from memos.ports.runtime import Runtime

KEYRING_NAME = "llm"
"""Under which name of the service ``agent-memos`` the keyring has an endpoint's key."""


def open_steps(settings: Settings, runtime: Runtime, *, grounds: Iterable[Path] = ()) -> Steps:
    """The optional steps; a language model is opened by the first that needs one.

    Args:
        settings: say which.
        runtime: the store's own: a model that runs here is not loaded twice.
        grounds: the folders of the store, in which no recording is written.
    """
    chosen = settings.llm
    if chosen.backend == "none":
        return _steps(settings, None)
    return _steps(settings, partial(_open_llm, chosen, runtime, tuple(grounds)))


def require_steps(settings: Settings) -> None:
    """See whether the steps that the settings name can be taken; no model is opened.

    Raises:
        UnknownBackend: there is no step, or no language model, of a name.
        MissingModel: a step needs a language model, and the settings name none.
        BadSetting: a recording is asked for, and no file is named.
    """
    chosen = settings.llm
    if chosen.backend != "none":
        find("llm", chosen.backend)
    if chosen.backend == "replay" and chosen.recording is None:
        hint = "set llm.recording to the file that has the answers"
        raise BadSetting("llm.backend is replay, and no recording is named", hint=hint)
    named = None if chosen.backend == "none" else _unopened
    _steps(settings, named).require_usual()


def _steps(settings: Settings, open_llm: Callable[[], LLM] | None) -> Steps:
    usual = Usual(
        settings.finding.rewrite,
        settings.finding.rerank,
        settings.extraction.extractor,
        settings.training.teacher,
    )
    return Steps(find, open_llm, usual, settings.llm.withheld)


def _unopened() -> LLM:
    raise AssertionError("a model is not opened to see whether it is named")


def _open_llm(chosen: LLMSettings, runtime: Runtime, grounds: Iterable[Path]) -> LLM:
    backend = find("llm", chosen.backend)
    recording = None
    if chosen.recording is not None:
        recording = Path(chosen.recording).expanduser().absolute()
    if chosen.backend == "replay":
        replay: LLM = backend(recording, model=chosen.model or None)
        return replay
    if recording is not None:
        require_outside(recording, grounds)
    if chosen.backend == "runtime":
        made: LLM = backend(runtime)
    elif chosen.backend == "openai":
        made = backend(
            chosen.model,
            url=chosen.url,
            key=partial(_key, chosen.key_from),
            timeout_seconds=chosen.timeout_seconds,
        )
    else:
        made = backend()
    return made if recording is None else RecordingLLM(made, recording)


def _key(source: str) -> str | None:
    """The endpoint's key; None where the settings name no place for one.

    Raises:
        MissingKey: it is not where they say.
    """
    if source == "none":
        return None
    key = llm_key_from_environment() if source == "env" else find_key(KEYRING_NAME)
    if key is None and source == "env":
        message = f"llm.key_from is env, and the variable {LLM_KEY_VARIABLE} is not set"
        raise MissingKey(message, hint="set it to the endpoint's key, or llm.key_from=none")
    if key is None:
        message = f"the keyring has no key agent-memos/{KEYRING_NAME} for the language model"
        raise MissingKey(message, hint=f"keyring set agent-memos {KEYRING_NAME}")
    return key.strip()
