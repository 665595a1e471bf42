"""Somebody with the database's password, who knows SQL and not what made the hashes."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import text

from database.session import Engine


def tamper(engine: Engine, *statements: str, **values: object) -> None:
    """Execute SQL past all of Firstread."""
    with engine.begin() as connection:
        for one in statements:
            connection.execute(text(one), values)


def swap(engine: Engine, first: int, second: int) -> None:
    """Let two events change places, with their hashes."""
    tamper(
        engine,
        f"UPDATE audit_event SET id = -1 WHERE id = {first}",
        f"UPDATE audit_event SET id = {first} WHERE id = {second}",
        f"UPDATE audit_event SET id = {second} WHERE id = -1",
    )


def rows(engine: Engine) -> list[Mapping[str, object]]:
    """Every event as it stands in the database."""
    with engine.begin() as connection:
        found = connection.execute(text("SELECT * FROM audit_event ORDER BY id")).mappings()
        return [dict(one) for one in found]
