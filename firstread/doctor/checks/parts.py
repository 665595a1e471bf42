"""The parts of Firstread: each gives signs, the sweep comes, none runs twice, nothing is stuck."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from database.process_signs import SILENT_AFTER_S, last_sweep, process_signs
from database.session import query
from firstread.doctor.examined_site import ExaminedSite
from firstread.doctor.line import DoctorLine, Sentence, broken, fine, say, warning
from settings.served_process import ServedProcess
from worklist.administration.parts import PartSigns, part_signs
from worklist.administration.problems import find_problems, refused_lately

RUNNING: Final = "parts"
_SWEEP_LATE_S: Final = 60.0
_ONLY_ONE: Final = (ServedProcess.NODE, ServedProcess.WORKLIST)
_WAITING: Final[dict[str, Sentence]] = {
    "destination_away": say(
        "Look at the line of this peer below. What waits goes by itself as soon as it answers."
    ),
    "subscriber_away": say(
        "Does the client of the worklist run, and are its host and port right in peers? What waits "
        "goes by itself as soon as it answers."
    ),
    "flag_not_told": say(
        "Look at the line of this channel below, and tell the readers by telephone meanwhile. What "
        "waits goes by itself as soon as the receiver answers."
    ),
    "flag_refused": say(
        "The study's page says why. Mend that, then press \"Tell again\" there, or use 'firstread "
        "flags retry FLAG'."
    ),
    "deliveries_given_up": say(
        'The administration page says why, for each delivery. Mend that, then press "Send '
        "everything again\" there, or use 'firstread results resend NAME'."
    ),
    "studies_failed": say(
        "'firstread jobs --failed' says why; docs/errors.md says what to do. Then try them again "
        "on the administration page."
    ),
    "forgetting_unfinished": say("Call 'firstread forget' again for the same name."),
}


def look_at_parts(site: ExaminedSite) -> Iterator[DoctorLine]:
    """Which parts give signs of life; whether any runs twice that may run only once."""
    with query(site.engine) as session:
        signs = part_signs(session, site.settings, site.clock())
    if not any(one.processes for one in signs):
        yield broken(
            RUNNING,
            say("Firstread does not run: no part of it gives a sign of life"),
            say(
                "Start it: 'systemctl start firstread' (or firstread.target), 'docker compose up "
                "--detach', or 'firstread serve'. Its log says why it does not stay."
            ),
        )
        return
    for one in signs:
        if one.is_silent:
            yield _silent(one)
    alive = sum(one.processes for one in signs)
    yield fine(RUNNING, say("%(count)s processes give signs of life", count=alive))
    yield from _twice(site)
    yield _sweep(site)


def _silent(signs: PartSigns) -> DoctorLine:
    last = (
        say("Part %(part)s is silent: it has not been heard of lately", part=signs.part)
        if signs.last_sign_s is None
        else say(
            "Part %(part)s is silent: its last sign of life is %(seconds)s s old",
            part=signs.part,
            seconds=round(signs.last_sign_s),
        )
    )
    return broken(
        "parts.silent",
        last,
        say(
            "Its log says why it ended (part_died, part_not_started); restart it: 'systemctl "
            "restart firstread', or 'docker compose restart'."
        ),
        of=signs.part,
    )


def _twice(site: ExaminedSite) -> Iterator[DoctorLine]:
    """Parts of which two go on giving signs; one that was just replaced gives none any more."""
    twice = {part: names for part, names in _alive(site).items() if len(names) > 1}
    if not twice:
        return
    began = site.clock()
    time.sleep(site.sign_s)  # until each that lives has given another sign
    for part, names in _alive(site, since_s=(site.clock() - began).total_seconds()).items():
        if len(names) > 1:
            yield broken(
                "parts.twice",
                say(
                    "Part %(part)s runs %(count)s times: %(names)s",
                    part=part,
                    count=len(names),
                    names=", ".join(names),
                ),
                say(
                    "Two Firstreads share one database or data folder: stop one of them, or give "
                    "it a data_folder and a database_url of its own."
                ),
                of=part,
            )


def _alive(site: ExaminedSite, since_s: float = SILENT_AFTER_S) -> dict[str, list[str]]:
    now = site.clock()
    alone: tuple[ServedProcess, ...] = _ONLY_ONE
    if site.settings.database_address.startswith("sqlite"):
        alone = (*alone, ServedProcess.BEAT)  # on PostgreSQL two do nothing twice
    found: dict[str, list[str]] = {part.value: [] for part in alone}
    with query(site.engine) as session:
        for one in process_signs(session):
            if one.part in found and (now - one.seen_at).total_seconds() <= since_s:
                found[one.part].append(one.name)
    return found


def _sweep(site: ExaminedSite) -> DoctorLine:
    with query(site.engine) as session:
        last = last_sweep(session)
    age_s = None if last is None else (site.clock() - last).total_seconds()
    if age_s is not None and age_s <= _SWEEP_LATE_S + 3 * site.settings.sweep_s:
        return fine(
            "parts.sweep", say("The last sweep was %(seconds)s s ago", seconds=round(age_s))
        )
    cure = say(
        "beat sends it, the broker carries it, the housekeeping worker does it: look which of them "
        "is silent or broken above, and restart that."
    )
    if age_s is None:
        return broken("parts.sweep", say("No sweep has come to its end yet"), cure)
    return broken(
        "parts.sweep",
        say(
            "The last sweep was %(seconds)s s ago: nothing is assembled, nothing tried again",
            seconds=round(age_s),
        ),
        cure,
    )


def look_at_waiting(site: ExaminedSite) -> Iterator[DoctorLine]:
    """What waits for a person or a peer, as `/health` says it."""
    with query(site.engine) as session:
        problems = find_problems(session, site.settings, site.clock())
        refused = refused_lately(session, site.settings, site.clock())
    waiting = [one for one in problems if one.name in _WAITING]
    for one in waiting:
        said = say("%(reason)s", reason=one.message)
        yield warning(f"waiting.{one.name}", said, _WAITING[one.name])
    if refused.count:
        yield fine(
            "waiting.studies_refused",
            say(
                "Studies refused in the last %(days)s days: %(count)s; 'firstread jobs --failed' "
                "says why and what to do",
                days=refused.days,
                count=refused.count,
            ),
        )
    elif not waiting:
        yield fine("waiting", say("Nothing waits for a person, and no result for a peer"))
