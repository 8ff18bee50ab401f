"""Who acts, and what they may do."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import Field, ValidationError, field_validator

from memos.cube.frozen import Frozen
from memos.errors import BadInput, shown


class Right(StrEnum):
    """What somebody may do with a memory; none of them includes another, but the last."""

    READ = "read"
    """find it, read it, answer with it"""
    WRITE = "write"
    """add, revise, transform, change its state"""
    SHARE = "share"
    """grant to others what one holds oneself; export"""
    FORGET = "forget"
    """erase it"""
    ADMINISTER = "administer"
    """all of these; see it unredacted; set legal holds; look after the store"""


OWNERS = frozenset({Right.READ, Right.WRITE, Right.SHARE, Right.FORGET})
"""What the owner of a memory may do with it, without any grant."""


class Party(StrEnum):
    """The kinds of principals."""

    USER = "user"
    AGENT = "agent"
    SERVICE = "service"


class Principal(Frozen):
    """Somebody who acts: ``user:alice``, ``agent:planner``, ``service:billing``.

    The application says who acts; it has authenticated them, or not. We decide what they may do.
    """

    party: Party
    name: str = Field(min_length=1, max_length=512)

    @field_validator("name")
    @classmethod
    def _is_plain(cls, name: str) -> str:
        # Two names that look the same would be two principals, and a person would grant to one.
        if not name.isprintable() or name != name.strip():
            raise ValueError("a blank at an end, or a character that cannot be seen")
        if "*" in name:
            raise ValueError("a wildcard")
        return name

    @classmethod
    def read(cls, text: object) -> Self:
        """The principal that ``text`` names, such as ``user:alice``; a principal is one already.

        Raises:
            BadInput: it has another form.
        """
        if isinstance(text, cls):
            return text
        if not isinstance(text, str):
            raise BadInput(f"{shown(text)} names nobody", hint="write such as user:alice")
        party, _, name = text.partition(":")
        try:
            return cls.model_validate({"party": party, "name": name})
        except ValidationError as error:
            kinds = ", ".join(f"{kind}:<name>" for kind in Party)
            hint = f"write one of {kinds}, in characters that can be seen"
            if "*" in name:
                hint = "there are no wildcards: grant to each"
            raise BadInput(f"{shown(text, 80)} names nobody", hint=hint) from error

    def __str__(self) -> str:
        return f"{self.party}:{self.name}"


ROOT = Principal(party=Party.SERVICE, name="application")
"""The application that opened the store and bound it to nobody else: it may do everything."""


def read_right(name: object) -> Right:
    """The right of that name.

    Raises:
        BadInput: there is none.
    """
    if isinstance(name, str) and name in set(Right):
        return Right(name)
    raise BadInput(f"there is no right {shown(name)}", hint=f"there are: {', '.join(Right)}")
