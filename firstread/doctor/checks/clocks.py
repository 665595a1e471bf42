"""Clocks: ours beside those of the database, of Redis, of our other parts and of web services."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from database.doctor.probe import server_clock
from database.process_signs import process_signs
from database.schema import check_schema
from database.session import query
from dicom_node.request.web_read_back import web_clock
from firstread.doctor.examined_site import ExaminedSite
from firstread.doctor.line import DoctorLine, Sentence, broken, fine, say, warning
from radiology.errors import FirstreadError
from settings.peers import Peer

_APART: Final = timedelta(seconds=2)  # of an answer's Date, which is cut to whole seconds
_CURE: Final = say(
    "Let both machines take their time from the hospital's server: 'timedatectl status', 'chronyc "
    "sources'."
)


def look_at_clocks(site: ExaminedSite) -> Iterator[DoctorLine]:
    """Each that can be asked. DICOM has no question for a peer's clock; DICOMweb answers with it.

    Leases are compared by the clocks of their parts: one that is wrong by the length of a lease
    takes work from the hands of others.
    """
    settings = site.settings
    asked: list[tuple[str, Callable[[], datetime | None]]] = [
        ("database", lambda: server_clock(site.engine) if site.has_database else None)
    ]
    if not settings.embedded:
        asked.append(("redis", lambda: _redis_clock(site)))
    for peer in settings.destinations:
        if peer.stow_url is not None:
            asked.append((peer.name, partial(_web_clock, site, peer)))
    compared = False
    for of, clock in asked:
        before = site.clock()
        try:
            theirs = clock()
        except FirstreadError:
            continue  # that it does not answer is said by its own check
        if theirs is not None:
            compared = True
            middle = before + (site.clock() - before) / 2
            yield _compared(site, of, theirs - middle, ours=of in ("database", "redis"))
    ahead = list(_parts_ahead(site))
    yield from ahead
    if not compared and not ahead:
        yield fine("clocks", say("Every part goes by the clock of this machine"))


def _web_clock(site: ExaminedSite, peer: Peer) -> datetime | None:
    return web_clock(peer, site.settings.stow_secret(peer), timeout_s=site.peer_s)


def _redis_clock(site: ExaminedSite) -> datetime:
    from worker.ask_broker import ask_redis

    return ask_redis(site.settings, timeout_s=site.peer_s)


def _compared(site: ExaminedSite, of: str, apart: timedelta, *, ours: bool) -> DoctorLine:
    facts: dict[str, str | int | float] = {
        "of": of,
        "seconds": round(abs(apart.total_seconds()), 1),
    }
    if abs(apart) <= _APART:
        return fine("clocks", say("The clock of %(of)s is %(seconds)s s from ours", **facts), of=of)
    said: Sentence = (
        say("The clock of %(of)s is %(seconds)s s ahead of ours", **facts)
        if apart > timedelta()
        else say("The clock of %(of)s is %(seconds)s s behind ours", **facts)
    )
    stops = ours and abs(apart).total_seconds() >= site.settings.lease_s
    return (broken if stops else warning)("clocks", said, _CURE, of=of)


def _parts_ahead(site: ExaminedSite) -> Iterator[DoctorLine]:
    """Processes whose sign of life is of a moment that has not come here yet."""
    if not site.has_database:
        return
    try:
        check_schema(site.engine)
        with query(site.engine) as session:
            signs = process_signs(session)
    except FirstreadError:
        return  # the check of the database says why
    now = site.clock()
    for one in signs:
        apart = one.seen_at - now
        if apart > _APART:
            yield _compared(site, f"{one.part} ({one.name})", apart, ours=True)
