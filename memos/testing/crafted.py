"""Bundles as an attacker makes them: taken apart, changed by hand, and put together again."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from memos.cube.identity import canonical, digest_of

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Crafted:
    """The members of a bundle, to be changed at will."""

    manifest: dict[str, Any]
    cubes: list[dict[str, Any]]
    """One version of a cube each, as on the wire."""
    edges: list[Any]
    blobs: dict[str, bytes] = field(default_factory=dict)
    """By the name of the member."""
    more: dict[str, bytes] = field(default_factory=dict)
    """Members that nobody asked for, such as a signature."""

    @classmethod
    def taken(cls, path: Path) -> Crafted:
        """A bundle taken apart."""
        with zipfile.ZipFile(path) as bundle:
            members = {name: bundle.read(name) for name in bundle.namelist()}
        return cls(
            manifest=json.loads(members.pop("manifest.json")),
            cubes=[json.loads(line) for line in members.pop("cubes.jsonl").splitlines()],
            edges=[json.loads(line) for line in members.pop("edges.jsonl").splitlines()],
            blobs={name: members.pop(name) for name in list(members) if name.startswith("blobs/")},
            more=members,
        )

    def reseal(self) -> None:
        """Give every cube the digest of its payload: whoever lies well does that."""
        for line in self.cubes:
            cube = line["cube"]
            cube["header"]["digest"] = digest_of(canonical(cube["payload"]))

    def write(self, path: Path) -> None:
        """Put the bundle together, with digests and counts that are right."""
        texts = {"cubes.jsonl": _lines(self.cubes), "edges.jsonl": _lines(self.edges)}
        self.manifest["members"] = {name: digest_of(text) for name, text in texts.items()}
        self.manifest["blobs"] = [name.removeprefix("blobs/") for name in self.blobs]
        self.manifest["counts"] = {
            "cubes": len({str(line["cube"]["header"].get("id")) for line in self.cubes}),
            "versions": len(self.cubes),
            "edges": len(self.edges),
            "blobs": len(self.blobs),
        }
        write_members(
            path,
            {
                "manifest.json": json.dumps(self.manifest).encode(),
                **self.more,
                **texts,
                **self.blobs,
            },
        )


def write_members(path: Path, members: dict[str, bytes]) -> None:
    """A zip file with these members, as they are."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in members.items():
            bundle.writestr(name, content)


def _lines(rows: list[Any]) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()
