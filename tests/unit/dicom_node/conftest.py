"""What several tests of the node's parts begin with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from database.schema import upgrade_schema
from database.session import Engine, open_engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An empty database."""
    made = open_engine(f"sqlite:///{tmp_path / 'test.sqlite'}")
    upgrade_schema(made)
    yield made
    made.dispose()
