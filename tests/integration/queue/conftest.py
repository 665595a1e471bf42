"""The database of both sizes in turn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from database.session import Engine, open_engine
from tests.builders.stored.empty_database import make_tables


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database without a schema, of both sizes in turn."""
    if request.param == "sqlite":
        engine = open_engine(f"sqlite:///{tmp_path / 'test.sqlite'}")
    else:
        engine = open_engine(request.getfixturevalue("postgres_url"))
    yield engine
    engine.dispose()


@pytest.fixture
def engine(empty_engine: Engine) -> Engine:
    """A database with the schema that the migrations build."""
    make_tables(empty_engine)
    return empty_engine
