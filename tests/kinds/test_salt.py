"""A tenant's mark changes a blob's name and nothing that a model reads."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load, save

from memos.errors import CorruptionError
from memos.kinds.salt import salted, tenant_salt


def test_tensors_stay_as_they_are() -> None:
    tensors = {"a": torch.arange(7, dtype=torch.float16), "b": torch.eye(3)}
    for content in (save(tensors), save(tensors, metadata={"made by": "a test"})):
        read = load(salted(content, "0" * 64))
        assert read.keys() == tensors.keys()
        assert all(torch.equal(read[name], tensors[name]) for name in tensors)


def test_tenants_have_different_blobs_and_each_its_own_again() -> None:
    content = save({"a": torch.eye(2)})
    alice, bob, nobody = (tenant_salt("secret", user) for user in ("alice", "bob", None))
    assert len({salted(content, salt) for salt in (alice, bob, nobody)}) == 3
    assert salted(content, alice) == salted(content, tenant_salt("secret", "alice"))
    assert tenant_salt("another secret", "alice") != alice


@pytest.mark.parametrize("content", [b"", b"x" * 7, b"\xff" * 64, b"\x02" + b"\0" * 7 + b"[]"])
def test_what_is_no_safetensors_file_is_refused(content: bytes) -> None:
    with pytest.raises(CorruptionError):
        salted(content, "0" * 64)
