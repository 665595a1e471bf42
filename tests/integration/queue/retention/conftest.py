"""A site with studies whose time has come, in the database of both sizes."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from database.session import Engine
from settings.environment import Settings
from tests.builders.stored.kept_studies import KeptRows, KeptSite
from tests.builders.stored.marked_site import write_marked_patient


@pytest.fixture
def site(engine: Engine, tmp_path: Path) -> KeptSite:
    """A data folder and its database, without studies."""
    url = engine.url.render_as_string(hide_password=False)
    settings = Settings(
        data_folder=tmp_path / "data", database_url=SecretStr(url), min_free_bytes=0
    )
    settings.data_folder.mkdir()
    return KeptSite(engine, settings)


@pytest.fixture
def marked(site: KeptSite, monkeypatch: pytest.MonkeyPatch) -> KeptRows:
    """A patient of whom something stands in every place, and another one beside."""
    for name, value in {
        "DATA_FOLDER": str(site.settings.data_folder),
        "DATABASE_URL": site.settings.database_address,
    }.items():
        monkeypatch.setenv(f"FIRSTREAD_{name}", value)
    monkeypatch.setenv("FIRSTREAD_LOG_FORMAT", "json")
    return write_marked_patient(site)
