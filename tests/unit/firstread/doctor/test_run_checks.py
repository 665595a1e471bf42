"""How checks are run: none holds up another, and what was said counts."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from firstread.checks.check import Health
from firstread.doctor.examined_site import ExaminedSite
from firstread.doctor.line import DoctorLine, broken, fine, say
from firstread.doctor.run_checks import DoctorCheck, run_checks
from radiology.errors import PeerUnreachable
from settings.environment import Settings


@pytest.fixture
def site() -> ExaminedSite:
    """Give a site that nobody looks at here."""
    return ExaminedSite(Settings())


def _well(_site: ExaminedSite) -> Iterator[DoctorLine]:
    yield fine("well", say("It is well"))


def _health(site: ExaminedSite, *checks: DoctorCheck) -> list[tuple[str, Health]]:
    return [(one.check.name, one.health) for one in run_checks(checks, site)]


def test_a_check_that_hangs_is_left_behind(site: ExaminedSite) -> None:
    """What it has said so far is kept, its limit is named, and the next one begins."""
    ended = threading.Event()

    def hangs(_site: ExaminedSite) -> Iterator[DoctorLine]:
        yield fine("slow.first", say("It was reached"))
        ended.wait(60)

    began = time.monotonic()
    slow = DoctorCheck("slow", "Archive", hangs, limit_s=0.3)
    done = list(run_checks([slow, DoctorCheck("well", "Well", _well)], site))
    ended.set()
    assert time.monotonic() - began < 30
    assert [str(line.said) for line in done[0].lines] == [
        "It was reached", "Archive: no answer within 0 s",
    ]  # fmt: skip
    assert [one.health for one in done] == [Health.BROKEN, Health.FINE]


def test_a_check_that_fails_is_a_line(site: ExaminedSite) -> None:
    """An error that we foresaw is said in its words; a defect by its kind, without its text."""

    def unreachable(_site: ExaminedSite) -> Iterator[DoctorLine]:
        raise PeerUnreachable(host="10.0.0.9")
        yield

    def defect(_site: ExaminedSite) -> Iterator[DoctorLine]:
        raise KeyError("Mustermann^Erika")
        yield

    done = list(
        run_checks(
            [
                DoctorCheck("one", "One", unreachable),
                DoctorCheck("two", "Two", defect),
                DoctorCheck("well", "Well", _well),
            ],
            site,
        )
    )
    assert [str(one.lines[0].said) for one in done] == [
        "One: The peer does not answer. (host=10.0.0.9)",
        "Two: the check itself failed (KeyError)",
        "It is well",
    ]


def test_what_is_needed_and_was_broken(site: ExaminedSite) -> None:
    """Only a check that needs the broken line is left out."""

    def two_lines(_site: ExaminedSite) -> Iterator[DoctorLine]:
        yield broken("base.speed", say("It is slow"), say("Make it faster."))
        yield fine("base.there", say("It is there"))

    checks = (
        DoctorCheck("base", "Base", two_lines),
        DoctorCheck("well", "Well", _well, needs=("base.there",)),
        DoctorCheck("well", "Well", _well, needs=("base.speed",)),
        DoctorCheck("well", "Well", _well, needs=("base.never-said",)),
    )
    assert _health(site, *checks) == [
        ("base", Health.BROKEN),
        ("well", Health.FINE),
        ("well", Health.WARNING),
        ("well", Health.WARNING),
    ]


def test_progress_is_told(site: ExaminedSite) -> None:
    """Before each check, and while one takes long."""
    told: list[str] = []

    def waits(_site: ExaminedSite) -> Iterator[DoctorLine]:
        time.sleep(2.5)  # longer than two seconds, after which it is told again
        yield fine("waits", say("It is well"))

    checks = [DoctorCheck("waits", "Slow", waits), DoctorCheck("well", "Peer", _well, of="pacs")]
    list(
        run_checks(
            checks,
            site,
            on_begin=lambda check, number: told.append(f"{number} {check.label}"),
            on_waiting=lambda: told.append("waiting"),
        )
    )
    assert told == ["0 Slow", "waiting", "1 Peer pacs"]
