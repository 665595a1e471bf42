"""What several tests of the node's parts begin with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from database.session import Engine, open_engine
from tests.builders.stored.empty_database import make_tables


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An empty database."""
    made = open_engine(f"sqlite:///{tmp_path / 'test.sqlite'}")
    make_tables(made)
    yield made
    made.dispose()
