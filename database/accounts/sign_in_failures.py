"""The limit on failed sign-ins, counted in the database so that it holds for all processes.

Counted are an account together with an address, an account, and an address. Each counter begins
with the first failure and expires after a while, so no account is locked for good. The limit of an
account over all addresses is wide, because whoever knows a name could otherwise keep its owner out.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from database.tables.readers.account import SignInFailures

FAILURES_OF_BOTH = 5
FAILURES_OF_ONE = 50
COUNTED_FOR = timedelta(minutes=15)


def is_over_limit(session: Session, name: str, address: str, now: datetime) -> datetime | None:
    """When to try again, for whoever has had too many failures already; nothing is counted.

    What goes on and on then costs no write: nobody else waits for it, and nothing grows.
    """
    limits = dict(_keys(name, address))
    found = session.execute(
        select(SignInFailures.key_sha256, SignInFailures.failures, SignInFailures.until).where(
            SignInFailures.key_sha256.in_(limits), SignInFailures.until > now
        )
    )
    return max((until for key, failures, until in found if failures > limits[key]), default=None)


def charge_attempt(session: Session, name: str, address: str, now: datetime) -> datetime | None:
    """Count an attempt as failed before it is looked at, so that attempts at once count too.

    Returns
    -------
    None when it may be made; otherwise when to try again. Then the password must not be looked
    at, or the limit would only slow the answer down.
    """
    session.execute(delete(SignInFailures).where(SignInFailures.until <= now))
    wait_until = [
        until
        for key, limit in sorted(_keys(name, address))
        if (until := _count(session, key, limit, now)) is not None
    ]
    return max(wait_until, default=None)


def forgive_attempt(session: Session, name: str, address: str) -> None:
    """The attempt succeeded: what was charged for it is taken back.

    The counter of account and address is forgotten. The others only lose this one attempt:
    otherwise an attacker with an account could reset the counter at will.
    """
    for key, limit in sorted(_keys(name, address)):
        if limit == FAILURES_OF_BOTH:
            session.execute(delete(SignInFailures).where(SignInFailures.key_sha256 == key))
        else:
            session.execute(
                update(SignInFailures)
                .where(SignInFailures.key_sha256 == key)
                .values(failures=SignInFailures.failures - 1)
            )


def _count(session: Session, key: str, limit: int, now: datetime) -> datetime | None:
    """Add one to a counter; gives when it is forgotten if it is over its limit."""
    # Only the dialects' own INSERT knows ON CONFLICT DO UPDATE; the two are written alike.
    module = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    fresh = module.insert(SignInFailures).values(
        key_sha256=key, failures=1, until=now + COUNTED_FOR
    )
    over = SignInFailures.until <= now
    counted = session.execute(
        fresh.on_conflict_do_update(
            index_elements=["key_sha256"],
            set_={
                "failures": case((over, 1), else_=SignInFailures.failures + 1),
                "until": case((over, fresh.excluded.until), else_=SignInFailures.until),
            },
        ).returning(SignInFailures.failures, SignInFailures.until)
    ).one()
    return counted.until if counted.failures > limit else None


def _keys(name: str, address: str) -> Iterator[tuple[str, int]]:
    account, network = name.strip().lower(), _network(address)
    for words, limit in (
        (("both", account, network), FAILURES_OF_BOTH),
        (("account", account), FAILURES_OF_ONE),
        (("address", network), FAILURES_OF_ONE),
    ):
        yield sha256("\0".join(words).encode()).hexdigest(), limit


def _network(address: str) -> str:
    """The address; of IPv6 the network, because one machine has as many addresses as it likes."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
