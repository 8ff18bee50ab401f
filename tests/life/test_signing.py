"""Whoever has the key can sign; whoever changes a byte, or has another key, cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from memos.errors import BackendError, BadInput
from memos.life.signing import SigningKey, checked_public_key, is_signed

if TYPE_CHECKING:
    from pathlib import Path


def test_a_signature_is_of_these_bytes_by_this_key() -> None:
    key, other = SigningKey.new(), SigningKey.new()
    signature = key.sign(b"bytes")
    assert is_signed(b"bytes", public_key=key.public, signature=signature)
    assert not is_signed(b"byteS", public_key=key.public, signature=signature)
    assert not is_signed(b"bytes", public_key=other.public, signature=signature)
    changed = signature[:-2] + ("01" if signature.endswith("00") else "00")
    assert not is_signed(b"bytes", public_key=key.public, signature=changed)
    for odd in ("", "ab", "no hex", "ff" * 32):
        assert not is_signed(b"bytes", public_key=odd, signature=signature)


def test_a_key_is_read_as_it_was_written(tmp_path: Path) -> None:
    key = SigningKey.new()
    key.write(tmp_path / "key.pem")
    assert SigningKey.read(tmp_path / "key.pem").public == key.public
    with pytest.raises(BackendError, match="never replaced"):
        SigningKey.new().write(tmp_path / "key.pem")
    assert SigningKey.read(tmp_path / "key.pem").public == key.public


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    private = generate_private_key(SECP256R1())
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    locked = serialization.BestAvailableEncryption(b"password")
    keys = [
        private.private_bytes(pem, pkcs8, serialization.NoEncryption()),
        private.private_bytes(pem, pkcs8, locked),
        private.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo),
        b"",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        bytes(range(256)),
    ]
    for content in keys:
        path.write_bytes(content)
        with pytest.raises(BadInput, match="key"):
            SigningKey.read(path)
    with pytest.raises(BadInput):
        SigningKey.read(tmp_path)


def test_a_public_key_is_64_hexadecimal_digits() -> None:
    assert checked_public_key(" " + "AB" * 32 + "\n") == "ab" * 32
    for odd in ("", "ab" * 31, "zz" * 32, None, "ab" * 33):
        with pytest.raises(BadInput):
            checked_public_key(odd)
