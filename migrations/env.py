"""Run migrations on the connection that `database.schema` hands in.

`firstread db upgrade` is the way in; `firstread db revision MESSAGE` writes a new migration from
the difference between tables and database.
"""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import Enum, text

from database.tables.base import UtcDateTime
from database.tables.every import METADATA

# One number for all Firstread processes: two that start at once must not migrate at once.
_ADVISORY_LOCK = 0x46524541


def _render_item(kind: str, item: Any, _: object) -> str | Literal[False]:
    """Write plain column types into migrations: they must not change when our classes do."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Enum):
        return f"sa.String(length={item.length})"
    return False


connection = context.config.attributes["connection"]
if connection is None:
    raise RuntimeError("migrations run through 'firstread db upgrade'")

if connection.dialect.name == "postgresql":
    connection.execute(text("SET LOCAL lock_timeout = '10s'"))
    connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))

context.configure(
    connection=connection,
    target_metadata=METADATA,
    compare_type=True,
    render_as_batch=connection.dialect.name == "sqlite",
    transaction_per_migration=False,
    render_item=_render_item,
)
with context.begin_transaction():
    context.run_migrations()
