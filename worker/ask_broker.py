"""Asks the broker of the hospital size for its time: apart, because its client imports much."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import redis

from radiology.errors import BrokerUnavailable
from settings.environment import Settings
from worker.celery_app import broker_address, broker_tls_options


def ask_redis(settings: Settings, *, timeout_s: float) -> datetime:
    """What the broker says that the time is, on a connection of its own.

    Raises
    ------
    BrokerUnavailable
        It does not answer in time, or does not let us in; the message says which.
    """
    tls = broker_tls_options(settings) or {}
    try:
        with redis.Redis.from_url(
            broker_address(settings),
            socket_connect_timeout=timeout_s,
            socket_timeout=timeout_s,
            **tls,
        ) as client:
            said: Any = client.time()
    except (redis.AuthenticationError, redis.ResponseError) as error:
        message = "The broker does not let us in: is the password of broker_url right?"
        raise BrokerUnavailable(message) from error
    except (redis.RedisError, OSError) as error:
        raise BrokerUnavailable(cause=type(error).__name__) from error
    seconds, microseconds = said
    return datetime.fromtimestamp(seconds + microseconds / 1e6, UTC)
