"""A Firstread in which everything is well, for tests that break one thing of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from database.session import open_engine
from tests.builders.bundles import write_bundle
from tests.builders.stored.empty_database import make_tables
from tests.peers.dicom.tampering_pacs import TamperingPacs, running_tampering_pacs
from tests.unit.firstread.doctor.healthy_site import HealthySite, healthy_site


@pytest.fixture(scope="session")
def _bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("bundles"))


@pytest.fixture(scope="session")
def _database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("database") / "empty.sqlite"
    engine = open_engine(f"sqlite:///{file}")
    make_tables(engine)
    engine.dispose()
    return file


@pytest.fixture
def pacs() -> Iterator[TamperingPacs]:
    """Give a PACS that takes and gives everything."""
    with running_tampering_pacs() as running:
        yield running


@pytest.fixture
def well(
    tmp_path: Path,
    _bundle: Path,
    _database: Path,
    pacs: TamperingPacs,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[HealthySite]:
    """Give a site in which everything is well."""
    monkeypatch.chdir(tmp_path)
    bundles = tmp_path / "bundles"
    shutil.copytree(_bundle, bundles / _bundle.parent.name / _bundle.name)
    with healthy_site(tmp_path, bundles, _database, pacs) as site:
        yield site
