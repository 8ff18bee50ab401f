"""What a bundle says of itself.

manifest.json    names the digest of every other member, but of the signature
signature.json   optional: a signature over the bytes of manifest.json
cubes.jsonl      one version of a cube a line; the versions of a cube in ascending order
edges.jsonl      turn order among the cubes: [source, target] a line
blobs/<sha256>   what activation and parametric cubes refer to
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, TypeAdapter, ValidationError, model_validator

from memos.cube.frozen import Frozen
from memos.cube.header import Time
from memos.cube.payload import Digest
from memos.errors import BadInput, CorruptionError
from memos.life.signing import SigningKey, checked_public_key, is_signed

FORMAT = 2
"""The number of the format that is written."""
READ = (1, FORMAT)
"""Those that are read; a bundle of format 1 has no name, no licence, and nobody signed it."""

MANIFEST = "manifest.json"
SIGNATURE = "signature.json"
Text = Literal["cubes.jsonl", "edges.jsonl"]
CUBES: Text = "cubes.jsonl"
EDGES: Text = "edges.jsonl"
BLOBS = "blobs/"

_ANY = TypeAdapter(dict[str, JsonValue])
_Count = Annotated[int, Field(ge=0)]


class Label(Frozen):
    """What the maker of a bundle says of it."""

    name: str = Field(default="", max_length=200)
    version: str = Field(default="", max_length=64)
    licence: str | None = Field(default=None, max_length=200)
    description: str = Field(default="", max_length=10_000)


class Counts(Frozen):
    """How much a bundle holds."""

    cubes: _Count
    versions: _Count
    edges: _Count
    blobs: _Count


class Manifest(Label):
    """The table of contents, and what the maker says."""

    format: Literal[1, 2]
    code: str = Field(max_length=200)
    created_at: Time | None = None
    members: dict[Text, Digest]
    blobs: tuple[Digest, ...]
    counts: Counts | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if set(self.members) != {CUBES, EDGES}:
            raise ValueError(f"members must be {CUBES} and {EDGES}")
        if len(set(self.blobs)) != len(self.blobs):
            raise ValueError("a blob is named twice")
        if self.format >= FORMAT and (self.counts is None or self.created_at is None):
            raise ValueError("created_at or counts is missing")
        return self

    @property
    def names(self) -> frozenset[str]:
        """The members that there are beside the manifest and its signature."""
        return frozenset([*self.members, *(f"{BLOBS}{digest}" for digest in self.blobs)])


class Signature(Frozen):
    """Who vouches for the manifest, and so for all that it names."""

    algorithm: Literal["ed25519"]
    public_key: Digest
    """Hexadecimal digits; like a SHA-256, there are 64 of them."""
    signature: Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]

    @classmethod
    def of(cls, manifest: bytes, key: SigningKey) -> Self:
        """The signature of a manifest's bytes."""
        return cls(algorithm="ed25519", public_key=key.public, signature=key.sign(manifest))


def read_manifest(content: bytes) -> Manifest:
    """The manifest that these bytes are.

    Raises:
        BadInput: they are none, or of a format that we do not know.
    """
    try:
        form = _ANY.validate_json(content).get("format")
    except ValidationError as error:
        hint = "memos export writes bundles"
        raise BadInput("the manifest of the bundle is no JSON object", hint=hint) from error
    if form not in READ or isinstance(form, bool):
        known = " and ".join(str(number) for number in READ)
        raise BadInput(f"the bundle has format {form!r:.40}", hint=f"this version reads {known}")
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        raise BadInput(f"the manifest of the bundle is not one: {_first(error)}") from error


def read_signer(content: bytes, manifest: bytes) -> str:
    """The public key of whoever signed the manifest.

    Raises:
        BadInput: the content is no signature, or by a key that anybody can sign for.
        CorruptionError: it is not a signature of this manifest.
    """
    try:
        found = Signature.model_validate_json(content)
    except ValidationError as error:
        raise BadInput(f"the signature of the bundle is not one: {_first(error)}") from error
    checked_public_key(found.public_key)
    if not is_signed(manifest, public_key=found.public_key, signature=found.signature):
        message = f"the bundle is not what {found.public_key} signed"
        raise CorruptionError(message, hint="get it again from its maker; nothing was imported")
    return found.public_key


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place[:80]}: {first['msg'][:120]}"
