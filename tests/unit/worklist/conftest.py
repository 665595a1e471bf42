"""A seeded hospital, and a visitor of its worklist page."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from database.session import open_engine
from settings.environment import Settings
from settings.peers import Peer, PeerRole
from tests.unit.worklist.ordinary_day import OrdinaryDay, seed_ordinary_day
from tests.unit.worklist.seeding import DATABASE, SeededHospital, open_hospital
from tests.unit.worklist.visitor import Visitor
from worklist.app import create_app


@pytest.fixture(scope="session")
def _empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("empty-hospital")
    open_hospital(folder).engine.dispose()
    return folder


@pytest.fixture
def hospital(tmp_path: Path, _empty_database: Path) -> SeededHospital:
    """Give a hospital without any study."""
    shutil.copytree(_empty_database, tmp_path, dirs_exist_ok=True)
    return SeededHospital(open_engine(f"sqlite:///{tmp_path / DATABASE}"), tmp_path / "results")


@pytest.fixture(scope="session")
def _seeded_day(tmp_path_factory: pytest.TempPathFactory) -> tuple[SeededHospital, OrdinaryDay]:
    folder = tmp_path_factory.mktemp("ordinary-day")
    hospital = open_hospital(folder)
    day = seed_ordinary_day(hospital)
    hospital.engine.dispose()
    return hospital, day


@pytest.fixture
def ordinary_day(
    hospital: SeededHospital, _seeded_day: tuple[SeededHospital, OrdinaryDay]
) -> OrdinaryDay:
    """Give the hospital a study of every kind."""
    seeded, day = _seeded_day
    hospital.take_over(seeded)
    return day


@pytest.fixture
def worklist_settings(tmp_path: Path) -> Settings:
    """Give the settings of the hospital's page."""
    return Settings(
        data_folder=tmp_path,
        database_url=SecretStr(f"sqlite:///{tmp_path / DATABASE}"),
        peers=(
            Peer(
                name="pacs",
                ae_title="ORTHANC",  # type: ignore[arg-type]
                host="10.1.4.20",
                port=4242,
                roles=frozenset({PeerRole.DESTINATION}),
            ),
        ),
    )


@pytest.fixture
def visitor(hospital: SeededHospital, worklist_settings: Settings) -> Visitor:
    """Give a visitor whose page has the hospital's clock."""
    clock: Callable[[], datetime] = lambda: hospital.now  # noqa: E731 read anew each time
    return Visitor(create_app(worklist_settings, hospital.engine, clock=clock))
