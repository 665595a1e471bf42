"""A seeded hospital, and people at its page: without an account, with one, by a provider."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from database.session import open_engine
from settings.environment import Settings
from settings.page.sign_in import IdentityProvider, Role, SignIn
from settings.peers import Peer, PeerRole
from settings.uploads import UploadLimits
from tests.builders.stored.readers import add_reader
from tests.peers.page.identity_provider import RunningProvider, running_identity_provider
from tests.unit.worklist.access.person import Person
from tests.unit.worklist.access.provider_sign_in import CALLBACK, ORIGIN, PEOPLE
from tests.unit.worklist.access.visitor import Visitor
from tests.unit.worklist.list.ordinary_day import OrdinaryDay, seed_ordinary_day
from tests.unit.worklist.seeding import DATABASE, SeededHospital, open_hospital
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


@pytest.fixture
def browser(hospital: SeededHospital, worklist_settings: Settings) -> Callable[..., Person]:
    """Give a function that opens a browser; all of them see one page, by the hospital's clock."""
    app = create_app(worklist_settings, hospital.engine, clock=lambda: hospital.now)
    return lambda **where: Person(app, **where)


@pytest.fixture
def person(hospital: SeededHospital, browser: Callable[..., Person]) -> Person:
    """Give somebody with an account, who has not signed in yet."""
    add_reader(hospital.engine, "reader", Role.READER, hospital.now)
    return browser()


@pytest.fixture
def idp(tmp_path: Path) -> Iterator[RunningProvider]:
    """Give a running provider."""
    with running_identity_provider(PEOPLE, redirect_uris=[CALLBACK], folder=tmp_path) as running:
        yield running


@pytest.fixture
def provider_page(
    hospital: SeededHospital, worklist_settings: Settings
) -> Callable[[IdentityProvider], Person]:
    """Give a function that opens a browser at a page with an identity provider."""

    def open_page(provider: IdentityProvider) -> Person:
        settings = worklist_settings.model_copy(update={"sign_in": SignIn(provider=provider)})
        # The real clock: the provider has it too.
        clock = lambda: datetime.now(UTC)  # noqa: E731
        return Person(
            create_app(settings, hospital.engine, clock=clock, sign_in_always=True), origin=ORIGIN
        )

    return open_page


@pytest.fixture
def app_with(
    hospital: SeededHospital, worklist_settings: Settings
) -> Callable[..., tuple[FastAPI, Settings]]:
    """Give a function that makes a page with limits of uploads, and gives its settings too."""

    def make(**limits: Any) -> tuple[FastAPI, Settings]:
        settings = worklist_settings.model_copy(
            update={"uploads": UploadLimits(**limits), "min_free_bytes": 0}
        )
        clock: Callable[[], datetime] = lambda: hospital.now  # noqa: E731 read anew each time
        return create_app(settings, hospital.engine, clock=clock), settings

    return make
