"""Where trained questions lie in the model's activations: measured, and kept with the adapter."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from memos.errors import CorruptionError
from memos.kinds.examination import some
from memos.kinds.routing import Keys, Names, directions
from memos.kinds.unrelated import QUESTIONS

if TYPE_CHECKING:
    import numpy.typing as npt

    from memos.ports.lessons import Lessons
    from memos.ports.runtime import Runtime

KEYS, CENTRE, NAMES = "route.keys", "route.centre", "route.names"
_MOST_KEYS = 400
_MOST_CHECKED = 60
_ACCEPTED = 0.02
"""The share of checked questions that may lie below the threshold."""
_ABOVE = 0.5
"""How far the threshold lies on the way from general questions to checked ones."""


def keys_for(runtime: Runtime, material: Lessons) -> Keys:
    """The activations of what was trained, and a threshold that wordings of the same pass.

    The threshold lies halfway between general questions, as they are in the middle, and wordings
    that were not trained: those of the examination are further off still.
    """
    trained = [one.question for one in some(material.trained, _MOST_KEYS)]
    checked = [one.question for one in some(material.checked, _MOST_CHECKED)]
    activations = np.asarray(runtime.activations([*trained, *checked, *QUESTIONS]), np.float32)
    known, like, general = np.split(activations, [len(trained), len(trained) + len(checked)])
    centre = (known.mean(0) + general.mean(0)) / 2
    names = Names(material.subjects, material.values)
    keys = Keys(centre, directions(known, centre), 0.0, names)
    near = sorted(map(keys.similarity, like if len(like) else known))
    far = median(map(keys.similarity, general))
    lowest = near[int(_ACCEPTED * len(near))]
    return replace(keys, threshold=min(lowest, far + _ABOVE * (lowest - far)))


def with_keys(content: bytes, keys: Keys) -> bytes:
    """A safetensors file with the keys among its tensors, and the names as the bytes of a JSON."""
    from safetensors.numpy import save

    header, tensors = _parts(content)
    spelled = json.dumps([keys.names.subjects, keys.names.values], ensure_ascii=False)
    names = np.frombuffer(spelled.encode(), np.uint8)
    own, added = _parts(save({KEYS: keys.rows, CENTRE: keys.centre, NAMES: names}))
    for name, told in own.items():
        start, end = told["data_offsets"]
        header[name] = {**told, "data_offsets": [len(tensors) + start, len(tensors) + end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + tensors + added


def keys_in(content: bytes, threshold: float) -> Keys:
    """The keys that :func:`with_keys` wrote.

    Raises:
        CorruptionError: they are not there.
    """
    header, tensors = _parts(content)
    try:
        rows, centre = (_array(header[name], tensors) for name in (KEYS, CENTRE))
        names = _names(header, tensors)
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptionError("the adapter does not say which questions it serves") from error
    if rows.ndim != 2 or not len(rows) or rows.shape[1:] != centre.shape:
        raise CorruptionError("the adapter's keys are of other shapes than they should be")
    return Keys(centre, rows, threshold, names)


def _names(header: dict[str, Any], tensors: bytes) -> Names:
    if NAMES not in header:  # the adapter is older than they are
        return Names()
    start, end = header[NAMES]["data_offsets"]
    subjects, values = (tuple(map(str, several)) for several in json.loads(tensors[start:end]))
    return Names(subjects, values)


def _array(told: dict[str, Any], tensors: bytes) -> npt.NDArray[np.float32]:
    start, end = told["data_offsets"]
    return np.frombuffer(tensors[start:end], np.float32).reshape(told["shape"])


def _parts(content: bytes) -> tuple[dict[str, dict[str, Any]], bytes]:
    """The header, and the bytes of the tensors."""
    try:
        (length,) = struct.unpack_from("<Q", content)
        return json.loads(content[8 : 8 + length]), content[8 + length :]
    except (struct.error, ValueError) as error:
        raise CorruptionError("the adapter is not a safetensors file") from error
