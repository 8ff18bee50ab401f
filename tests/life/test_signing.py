"""Whoever has the key can sign; whoever changes a byte, or has another key, cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from memos.errors import BackendError, BadInput
from memos.life.signing import SigningKey, checked_public_key, is_signed

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
EIGHTHS = (
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
)
"""The y of the points of order 8, as libsodium's list of small points writes them."""

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


def small_points() -> list[str]:
    """The points of small order in all their spellings: either sign, and y beyond the prime."""
    ys = [int.from_bytes(bytes.fromhex(one), "little") for one in EIGHTHS]
    ys += [0, 1, PRIME - 1, PRIME, PRIME + 1]
    return [(y | sign << 255).to_bytes(32, "little").hex() for y in ys for sign in (0, 1)]


@pytest.mark.parametrize("key", [*small_points(), (PRIME + 3).to_bytes(32, "little").hex()])
def test_a_key_that_anybody_can_sign_for_is_none(key: str) -> None:
    with pytest.raises(BadInput, match="weak"):
        checked_public_key(key)
    for signature in ("00" * 64, key + "00" * 32, "01" + "00" * 63):
        assert not any(
            is_signed(bytes([n]), public_key=key, signature=signature) for n in range(16)
        )


def test_the_keys_of_order_eight_are_on_the_curve() -> None:
    for text in EIGHTHS:
        y = int.from_bytes(bytes.fromhex(text), "little")
        twice = doubled(*point_of(y))
        assert doubled(*doubled(*twice)) == (0, 1)
        assert doubled(*twice) != (0, 1)


def point_of(y: int) -> tuple[int, int]:
    """A point of the curve with this y."""
    d = -121665 * pow(121666, -1, PRIME)
    square = (y * y - 1) * pow(d * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if x * x % PRIME != square:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    assert x * x % PRIME == square
    return x, y


def doubled(x: int, y: int) -> tuple[int, int]:
    """The point added to itself (RFC 8032, 5.1.4)."""
    d = -121665 * pow(121666, -1, PRIME)
    fold = d * x * x * y * y
    return (
        2 * x * y * pow(1 + fold, -1, PRIME) % PRIME,
        (y * y + x * x) * pow(1 - fold, -1, PRIME) % PRIME,
    )


def test_a_signature_is_written_in_one_way_only() -> None:
    key = SigningKey.new()
    honest = bytes.fromhex(key.sign(b"bytes"))
    other = int.from_bytes(honest[32:], "little") + ORDER
    forged = (honest[:32] + other.to_bytes(32, "little")).hex()
    assert is_signed(b"bytes", public_key=key.public, signature=honest.hex())
    assert not is_signed(b"bytes", public_key=key.public, signature=forged)
