"""Outlines of cubes and the edges around them, from the catalog's tables.

On the driver itself, since a search asks for hundreds of rows: see memos.stores.driver_sqlite.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from memos.ports.outlines import BEGINNING, Outline
from memos.stores.driver_sqlite import asking
from memos.stores.errors_sqlite import legible

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Engine

    from memos.ports.outlines import Naming

_OUTLINES = f"""
    SELECT c.id, c.kind, c.state, c.user_id, c.agent_id, c.session_id, c.position, c.speaker,
        substr(c.text, 1, {BEGINNING}), length(c.text), c.valid_from, c.valid_to
    FROM json_each(?) AS asked CROSS JOIN cubes AS c ON c.id = asked.value
"""  # noqa: S608 - our own number
_AFTER = """
    SELECT e.source, e.target FROM json_each(?) AS asked
    CROSS JOIN edges AS e ON e.source = asked.value AND e.relation = 'next'
"""
_BEFORE = """
    SELECT e.source, e.target FROM json_each(?) AS asked
    CROSS JOIN edges AS e ON e.target = asked.value AND e.relation = 'next'
"""
_NAMES_IN = """
    SELECT e.source, e.relation, e.target FROM json_each(?) AS asked
    CROSS JOIN edges AS e ON e.source = asked.value AND e.relation IN ('mentions', 'titled')
"""
# A name's edges are counted no further than to see that they are too many.
_FEW = """
    SELECT asked.value FROM json_each(?) AS asked WHERE (
        SELECT count(*) FROM (
            SELECT 1 FROM edges AS e
            WHERE e.target = asked.value AND e.relation IN ('mentions', 'titled') LIMIT ?
        )
    ) <= ?
"""
_NAMING = """
    SELECT e.source, e.relation, e.target FROM json_each(?) AS asked
    CROSS JOIN edges AS e ON e.target = asked.value AND e.relation IN ('mentions', 'titled')
"""


class SqlOutlines:
    """Reads the tables of :class:`memos.stores.catalog_sql.SqlCatalog`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @legible("the outline of a cube")
    def of(self, ids: Collection[str]) -> dict[str, Outline]:
        """The outline of each id that exists."""
        return {row[0]: Outline(*row) for row in self._rows(_OUTLINES, _listed(ids))}

    @legible("an edge")
    def turns_beside(self, ids: Collection[str]) -> list[tuple[str, str]]:
        """Each NEXT edge that starts or ends in one of ``ids``."""
        asked = _listed(ids)
        both = [*self._rows(_AFTER, asked), *self._rows(_BEFORE, asked)]
        return sorted({(source, target) for source, target in both})

    @legible("an edge")
    def names_in(self, ids: Collection[str]) -> list[Naming]:
        """The MENTIONS and TITLED edges that start in one of ``ids``."""
        return self._rows(_NAMES_IN, _listed(ids))

    @legible("an edge")
    def naming(self, entities: Collection[str], *, most: int) -> list[Naming]:
        """The MENTIONS and TITLED edges that end in one of ``entities``, if not too many do."""
        few = [row[0] for row in self._rows(_FEW, _listed(entities), most + 1, most)]
        return self._rows(_NAMING, _listed(few))

    def _rows(self, query: str, *asked: object) -> list[tuple[Any, ...]]:
        with asking(self._engine) as cursor:
            cursor.execute(query, asked)
            return list(cursor.fetchall())


def _listed(things: Collection[str]) -> str:
    return json.dumps(list(things))
