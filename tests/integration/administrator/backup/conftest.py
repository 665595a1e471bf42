"""Sites of both sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.administrator.backup.sites import Site, full_site, new_site
from tests.peers.postgres import PostgresServer

MakeSite = Callable[[str, str], Site]


@pytest.fixture
def new_url(request: pytest.FixtureRequest) -> Iterator[Callable[[str], str | None]]:
    """Give a function that makes an empty database: "sqlite" is a file of the data folder."""
    made: list[str] = []

    def make(database: str) -> str | None:
        if database == "sqlite":
            return None
        server: PostgresServer = request.getfixturevalue("postgres_server")
        made.append(server.new_database())
        return made[-1]

    yield make
    for url in made:
        request.getfixturevalue("postgres_server").drop_database(url)


@pytest.fixture
def make_full(tmp_path: Path, new_url: Callable[[str], str | None]) -> Iterator[MakeSite]:
    """Give a function that makes a full site, by the name of its folder and its database."""
    sites: list[Site] = []

    def make(name: str, database: str) -> Site:
        sites.append(full_site(tmp_path / name, new_url(database)))
        return sites[-1]

    yield make
    for site in sites:
        site.engine.dispose()


@pytest.fixture
def make_empty(tmp_path: Path, new_url: Callable[[str], str | None]) -> Iterator[MakeSite]:
    """Give a function that makes a site where nothing is yet."""
    sites: list[Site] = []

    def make(name: str, database: str) -> Site:
        sites.append(new_site(tmp_path / name, new_url(database)))
        return sites[-1]

    yield make
    for site in sites:
        site.engine.dispose()
