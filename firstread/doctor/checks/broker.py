"""The broker: whether wake-ups can pass through it."""

from __future__ import annotations

import time
from collections.abc import Iterator

from firstread.doctor.examined_site import ExaminedSite
from firstread.doctor.line import DoctorLine, broken, fine, reason_of, say
from radiology.errors import BrokerUnavailable

_PROBE = ".doctor-check"


def look_at_broker(site: ExaminedSite) -> Iterator[DoctorLine]:
    """Redis, or the folder of messages where everything runs on one machine."""
    yield _folder(site) if site.settings.embedded else _redis(site)


def _folder(site: ExaminedSite) -> DoctorLine:
    probe = site.settings.broker_folder / _PROBE
    try:
        probe.parent.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        return broken(
            "broker",
            say("The folder of messages cannot be written: %(reason)s", reason=reason_of(error)),
            say(
                "Give the folder 'broker' in the data folder to the user that Firstread runs as. "
                "Nothing is lost: the sweep sends wake-ups again."
            ),
        )
    return fine("broker", say("Wake-ups are files in the data folder, which can be written"))


def _redis(site: ExaminedSite) -> DoctorLine:
    from worker.ask_broker import ask_redis  # makes the application of the settings in force

    began = time.perf_counter()
    try:
        ask_redis(site.settings, timeout_s=site.peer_s)
    except BrokerUnavailable as error:
        return broken(
            "broker",
            say("Redis does not answer: %(reason)s", reason=reason_of(error)),
            say(
                "Start Redis, or correct broker_url: host, port and password; with rediss:// look "
                "at broker_tls too. Nothing is lost: the sweep sends wake-ups again."
            ),
        )
    took_ms = round(1000 * (time.perf_counter() - began))
    return fine("broker", say("Redis answers within %(took)s ms", took=took_ms))
