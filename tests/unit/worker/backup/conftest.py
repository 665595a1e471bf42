"""A site to make archives of."""

from __future__ import annotations

from pathlib import Path

import pytest

from database.session import open_engine
from settings.environment import Settings
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.kept_studies import KeptSite


@pytest.fixture
def site(tmp_path: Path) -> KeptSite:
    """Two studies, with their schema as migrations make it."""
    settings = Settings(data_folder=tmp_path / "data", min_free_bytes=0)
    settings.data_folder.mkdir()
    engine = open_engine(settings.database_address)
    make_tables(engine)
    made = KeptSite(engine, settings, image_bytes=3000)
    made.study()
    made.study()
    return made
