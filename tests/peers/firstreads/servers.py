"""The database and the broker of a Firstread of hospital size, asked for only where it is one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import pytest

from tests.peers.postgres import PostgresServer
from tests.peers.redis import RedisServer


def servers_of(request: pytest.FixtureRequest, stack: ExitStack) -> Callable[[], tuple[str, str]]:
    """Give a function that makes an empty database and an empty Redis, and gives their URLs.

    Parameters
    ----------
    stack : drops the database at its end
    """

    def servers() -> tuple[str, str]:
        postgres: PostgresServer = request.getfixturevalue("postgres_server")
        redis: RedisServer = request.getfixturevalue("redis_server")
        url = postgres.new_database()
        stack.callback(postgres.drop_database, url)
        redis.flush()
        return url, redis.url

    return servers
