"""The catalog's tables; migrations/ brings a database to this shape.

cubes      one row a cube: where its current version stands, and what filters ask for
versions   one row a version: the whole cube as JSON; the truth
labels     cube -> label
edges      turn order, entities, provenance
outbox     what the derived stores are still owed
audit      who did what; sealed, and never changed
receipts   what calls with an idempotency key answered
notes      facts about the store itself

grants, tombstones, certificates, snapshots, installed, installed_cubes, quarantine, places,
blocks, trainings
           what is known about cubes beside the cubes: memos.ports.ledger
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

HEAD = "0006"
"""The newest revision in migrations/; a test keeps it true."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Times are microseconds since 1970 UTC: exact, ordered, and the same in every database.

cubes = Table(
    "cubes",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("user_id", String(512)),
    Column("agent_id", String(512)),
    Column("session_id", String(512)),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("speaker", Text),
    Column("role", Text),
    Column("position", Integer),
    Column("metadata", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("valid_from", BigInteger),
    Column("valid_to", BigInteger),
    Column("content", Integer, nullable=False, server_default="1"),
    Column("owner", String(520)),  # only where it is not the user: see MemCube.owner
    Column("sensitivity", String(32), nullable=False, server_default="normal"),
    Column("expires_at", BigInteger),
    Column("legal_hold", Boolean, nullable=False, server_default="0"),
    Column("source", Text),
    Index(None, "owner", "id"),
    Index(None, "expires_at", "id"),
    Index(None, "source", "id"),
    Index(None, "user_id", "session_id", "id"),
    Index(None, "session_id", "id"),
    Index(None, "agent_id", "id"),
    Index(None, "kind", "id"),
)

versions = Table(
    "versions",
    metadata,
    Column("cube_id", String(36), ForeignKey("cubes.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("recorded_at", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False, index=True),
    Column("blob", String(64), index=True),
    Column("body", Text, nullable=False),
)

labels = Table(
    "labels",
    metadata,
    Column("cube_id", String(36), ForeignKey("cubes.id", ondelete="CASCADE"), primary_key=True),
    Column("label", String(512), primary_key=True, index=True),
)

edges = Table(
    "edges",
    metadata,
    Column("source", String(1100), primary_key=True),
    Column("relation", String(16), primary_key=True),
    Column("target", String(1100), primary_key=True),
    Column("version", Integer, primary_key=True),
    Index(None, "target", "relation"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("errand", String(16), nullable=False),
    Column("subject", String(64), nullable=False),
    sqlite_autoincrement=True,
)

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("call", String(32), nullable=False),
    Column("scope", JSON, nullable=False),
    Column("subjects", JSON, nullable=False),
    Column("outcome", String(64), nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("basis", String(64), nullable=False, server_default=""),
    Column("seal", String(64), nullable=False, server_default=""),
    sqlite_autoincrement=True,
)

receipts = Table(
    "receipts",
    metadata,
    Column("key", String(512), primary_key=True),
    Column("scope", String(1700), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("answer", JSON, nullable=False),
)

notes = Table(
    "notes",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

grants = Table(
    "grants",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("principal", String(520), nullable=False, index=True),
    Column("right", String(16), nullable=False),
    Column("cube_id", String(36), ForeignKey("cubes.id", ondelete="CASCADE"), index=True),
    Column("scope", JSON, nullable=False),
    Column("label", String(512)),
    Column("granted_by", String(520), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    sqlite_autoincrement=True,
)

tombstones = Table(
    "tombstones",
    metadata,
    Column("cube_id", String(36), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by", String(520), nullable=False),
    Column("certificate", String(36), nullable=False),
)

certificates = Table(
    "certificates",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("body", JSON, nullable=False),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("by", String(520), primary_key=True),
    Column("name", String(256), primary_key=True),
    Column("at", BigInteger, nullable=False),
)

installed = Table(
    "installed",
    metadata,
    Column("owner", String(520), primary_key=True),
    Column("scope", String(1700), primary_key=True),
    Column("namespace", String(256), primary_key=True),
    Column("bundle", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("version", String(64), nullable=False),
    Column("licence", Text),
    Column("signer", String(64)),
    Column("at", BigInteger, nullable=False),
    Column("by", String(520), nullable=False),
)

installed_cubes = Table(
    "installed_cubes",
    metadata,
    Column("owner", String(520), primary_key=True),
    Column("scope", String(1700), primary_key=True),
    Column("namespace", String(256), primary_key=True),
    Column("cube_id", String(36), primary_key=True, index=True),
    Column("origin", String(36), nullable=False),
    ForeignKeyConstraint(
        ["owner", "scope", "namespace"],
        ["installed.owner", "installed.scope", "installed.namespace"],
        ondelete="CASCADE",
    ),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("cube_id", String(36), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", Text, nullable=False),
    sqlite_autoincrement=True,
)

places = Table(
    "places",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("place", String(16), nullable=False),
)

blocks = Table(
    "blocks",
    metadata,
    Column("cube_id", String(36), primary_key=True),
    Column("name", String(64), primary_key=True, index=True),
    Column("number", Integer, nullable=False),
)

trainings = Table(
    "trainings",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("key", String(64), nullable=False),
    Column("scope", JSON, nullable=False),
    Column("asked_by", String(520), nullable=False),
    Column("parents", JSON, nullable=False),  # [[id, version], ...]
    Column("at", BigInteger, nullable=False),
    Column("reason", String(16), nullable=False),
    Column("method", String(32), nullable=False),
    Column("title", Text),
    Column("steps", Integer),
    Column("replaces", String(36)),
    Column("checkpoint", String(64)),
    Column("step", Integer, nullable=False),
)
