"""A causal language model and what is known of it, each part loaded when it is first needed."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from memos.errors import BackendError, BadInput, BadSetting, MissingLibrary
from memos.models import kv_attention
from memos.models.chat_template import ChatTemplate
from memos.models.decode import Reader
from memos.models.fingerprint import fingerprint_of
from memos.models.kv_layout import layout_of
from memos.models.patience import wait_asleep
from memos.models.weights import locate, quiet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import torch

    from memos.cube import Fingerprint
    from memos.ports.blocks import Layout
    from memos.ports.progress import Progress

_STRIDE = {"cpu": 128, "cuda": 256}
"""Tokens that are read in one call, and kept in one block. Short blocks let more be shared; long
ones are read faster, and copied in larger pieces."""
_CALL = {"cuda": 2048}
"""Tokens of several blocks that are computed in one call; on a CPU one block is."""
_DTYPES = {"cpu": "float32", "cuda": "bfloat16"}
_DTYPE_NAMES = ("float32", "bfloat16", "float16")


class LanguageModel:
    """A causal language model; see :class:`memos.models.runtime_torch.TorchRuntime`."""

    def __init__(
        self,
        name: str,
        *,
        cache_folder: Path,
        device: str,
        dtype: str,
        progress: Progress,
        stride: int | None = None,
    ) -> None:
        self._name, self._cache_folder, self._progress = name, cache_folder, progress
        self._device_wanted, self._dtype_wanted, self._stride = device, dtype, stride

    @cached_property
    def folder(self) -> Path:
        """Where the model's files lie."""
        return locate(self._name, cache_folder=self._cache_folder, progress=self._progress)

    @cached_property
    def device(self) -> torch.device:
        """Where the model computes."""
        torch = _torch()
        wanted = self._device_wanted
        if wanted == "auto":
            wanted = "cuda" if torch.cuda.is_available() else "cpu"
        if wanted.partition(":")[0] not in _STRIDE:
            raise BadSetting(f"no device is called {wanted!r}", hint="auto, cpu or cuda")
        if wanted.startswith("cuda") and not torch.cuda.is_available():
            raise BadSetting("there is no CUDA device here", hint="set the device to auto or cpu")
        return torch.device(wanted)  # type: ignore[no-any-return]

    @cached_property
    def dtype(self) -> str:
        """The name of the numbers that the model computes with."""
        wanted = self._dtype_wanted
        if wanted == "auto":
            return _DTYPES[self.device.type]
        if wanted not in _DTYPE_NAMES:
            names = ", ".join(_DTYPE_NAMES)
            raise BadSetting(f"no dtype is called {wanted!r}", hint=f"auto, {names}")
        return wanted

    @cached_property
    def config(self) -> Any:
        """The transformers configuration."""
        transformers = _transformers()
        try:
            return transformers.AutoConfig.from_pretrained(self.folder)
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from error

    @cached_property
    def chat(self) -> ChatTemplate:
        """Its tokenizer and chat template."""
        transformers = _transformers()
        try:
            return ChatTemplate(transformers.AutoTokenizer.from_pretrained(self.folder))
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from error

    @cached_property
    def fingerprint(self) -> Fingerprint:
        """Which model this is."""
        return fingerprint_of(
            self.folder,
            self.config,
            name=self._name,
            template=self.chat.text,
            dtype=self.dtype,
            cache_folder=self._cache_folder,
        )

    @cached_property
    def reader(self) -> Reader:
        """The model itself, its weights in memory."""
        model = self.another().to(self.device).eval().requires_grad_(requires_grad=False)
        if getattr(model, "_supports_attention_backend", False):
            kv_attention.register()
            model.set_attn_implementation(kv_attention.NAME)
        return Reader(model, self.stride, _CALL.get(self.device.type, self.stride))

    def another(self) -> Any:
        """A transformers model of the same weights, in memory, that nobody else uses."""
        torch, transformers = _torch(), _transformers()
        try:
            with quiet():
                return transformers.AutoModelForCausalLM.from_pretrained(
                    self.folder, dtype=getattr(torch, self.dtype), use_safetensors=True
                )
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from error

    def written(self, model: Any, folder: Path) -> Fingerprint:
        """The fingerprint of a model of other weights, once it lies in ``folder``."""
        with quiet():
            model.save_pretrained(folder)
            self.chat.save(folder)
        other = LanguageModel(
            str(folder),
            cache_folder=self._cache_folder,
            device=self._device_wanted,
            dtype=self._dtype_wanted,
            progress=self._progress,
        )
        return other.fingerprint

    def require_readable(self, tokens: Sequence[int], ahead: int = 0) -> None:
        """Refuse what the model cannot read, where ``ahead`` positions before it are taken.

        Raises:
            BadInput: no tokens, too many, or unknown ones.
        """
        if not tokens:
            raise BadInput("there are no tokens to read", hint="pass at least one")
        if self.longest is not None and len(tokens) + ahead > self.longest:
            behind = f", behind {ahead}," if ahead else ""
            raise BadInput(
                f"{len(tokens)} tokens{behind} are more than the {self.longest} that the model can "
                "attend to",
                hint="leave some memories out",
            )
        if min(tokens) < 0 or max(tokens) >= self.vocabulary:
            raise BadInput(f"the model knows only the tokens from 0 to {self.vocabulary - 1}")

    @property
    def model(self) -> Any:
        """The transformers model."""
        return self.reader.model

    @property
    def stride(self) -> int:
        """How many tokens are read in one call, and kept in one block."""
        return self._stride or _STRIDE[self.device.type]

    @cached_property
    def layout(self) -> Layout | None:
        """What its attention state looks like; None where it cannot be kept in blocks."""
        from transformers import DynamicCache

        cache = DynamicCache()
        self.reader.step([0], cache)
        return layout_of(cache, dtype=self.dtype, block_tokens=self.stride)

    @property
    def gathered(self) -> bool:
        """Whether its attention needs all keys in one piece."""
        return str(self.model.config._attn_implementation) != kv_attention.NAME  # noqa: SLF001

    @property
    def vocabulary(self) -> int:
        """How many tokens it knows."""
        return int(self.config.get_text_config().vocab_size)

    @property
    def longest(self) -> int | None:
        """How many tokens it can attend to; None where it does not say."""
        limit = getattr(self.config.get_text_config(), "max_position_embeddings", None)
        return None if limit is None else int(limit)

    @cached_property
    def stop(self) -> frozenset[int]:
        """The tokens that end an answer."""
        named = self.model.generation_config.eos_token_id
        ends = named if isinstance(named, list) else [named]
        return frozenset({n for n in ends if n is not None} | set(self.chat.closing()))

    def _unreadable(self, error: Exception) -> BackendError:
        reason = str(error).strip().partition("\n")[0]
        return BackendError(
            f"{self.folder} cannot be loaded as a causal language model: {reason}",
            hint="pass a folder that transformers can load, with weights in safetensors",
        )


def _torch() -> Any:
    wait_asleep()
    try:
        import torch
    except ImportError as error:
        raise _missing("torch") from error
    return torch


def _transformers() -> Any:
    wait_asleep()
    try:
        import transformers
    except ImportError as error:
        raise _missing("transformers") from error
    return transformers


def _missing(library: str) -> MissingLibrary:
    return MissingLibrary(
        f"running a language model needs {library}", hint="pip install 'agent-memos[local]'"
    )
