"""What each release left behind, in both databases, brought up to date."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from database.session import Engine, open_engine
from settings.environment import Settings
from tests.builders.old_rows.old_site import FILES, OldSite
from tests.builders.old_rows.rows_file import old_database, read_file
from tests.peers.postgres import PostgresServer

_BOTH = [
    pytest.param((path, database), id=f"{path.stem}-{database}")
    for path, database in itertools.product(FILES, ("sqlite", "postgresql"))
]


@pytest.fixture(scope="module")
def new_site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[tuple[Path, str]], OldSite]]:
    """Give a function that makes what a release left in a database, not upgraded yet."""
    opened: list[Engine] = []
    made: list[str] = []

    def make(which: tuple[Path, str]) -> OldSite:
        path, database = which
        folder = tmp_path_factory.mktemp("old-site")
        url = None
        if database == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            made.append(server.new_database())
            url = SecretStr(made[-1])
        settings = Settings(data_folder=folder, database_url=url)
        engine = open_engine(settings.database_address)
        opened.append(engine)
        rows = read_file(path)
        old_database(engine, rows)
        return OldSite(rows, settings, engine)

    yield make
    for engine in opened:
        engine.dispose()
    for address in made:
        request.getfixturevalue("postgres_server").drop_database(address)


@pytest.fixture(scope="module", params=_BOTH)
def left(
    request: pytest.FixtureRequest, new_site: Callable[[tuple[Path, str]], OldSite]
) -> OldSite:
    """Give what a release left behind."""
    return new_site(request.param)


@pytest.fixture(scope="module", params=_BOTH)
def old(request: pytest.FixtureRequest, new_site: Callable[[tuple[Path, str]], OldSite]) -> OldSite:
    """Give the same, brought up to date: one for the tests of a module."""
    site = new_site(request.param)
    site.upgrade()
    return site
