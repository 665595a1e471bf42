"""A destination that is away: it is waited for, however long, and gets everything once it is back.

The PACS is dcmtk's `storescp`, which is started late; the clock is the test's.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from database.deliveries.destinations import retry_destination, unfinished_destinations
from database.session import query, transaction
from database.states import DeliveryState
from tests.builders.dicom.commitment import destination, event_names, site_with, states
from tests.builders.stored.results import Site
from tests.peers.dicom.dcmtk import Dcmtk
from worker.deliver.ask_away import ask_one
from worker.deliver.deliver_results import deliver_one

pytestmark = pytest.mark.integration

HOUR_S = 3600.0


def pacs_at(port: int, name: str = "pacs", ae_title: str = "PACS") -> object:
    return destination(name, ae_title, port, storage_commitment=False)


def attempts(site: Site) -> list[int]:
    return [one.attempts for one in site.deliveries()]


def test_a_pacs_that_is_down_for_three_days_gets_its_results(
    tmp_path: Path, dcmtk: Dcmtk, free_port: Callable[[], int]
) -> None:
    """Nobody presses a button, and the wait between two attempts is five minutes at most."""
    port = free_port()
    with site_with(tmp_path, pacs_at(port)) as (site, _):
        site.make_result()
        for _ in range(72):
            site.deliver()
            (delivery,) = site.deliveries()
            assert delivery.state is DeliveryState.WAITING
            assert (delivery.due_at - site.now).total_seconds() <= 300
            site.later(HOUR_S)
        assert attempts(site)[0] > site.settings.delivery_max_attempts
        assert event_names(site).count("delivery_postponed") == 1, "an outage is one event"
        pacs = dcmtk.storescp(ae_title="PACS", port=port)
        site.deliver()
        assert states(site) == ["delivered"]
        assert len(pacs.files()) == 3


def test_one_tries_for_all_and_all_go_when_it_succeeds(
    tmp_path: Path, dcmtk: Dcmtk, free_port: Callable[[], int]
) -> None:
    """Ten results for a PACS that is down cost no more attempts than one."""
    port = free_port()
    with site_with(tmp_path, pacs_at(port)) as (site, _):
        for version in (1, 2):
            site.make_result(version)
        # A newer result withdraws what the older one still had to send: its row is put back.
        with transaction(site.engine) as session:
            for row in site.deliveries():
                session.merge(row).state = DeliveryState.WAITING
        for _ in range(20):
            site.deliver()
            site.later(310)
        assert sum(attempts(site)) <= 22
        assert {one.error_kind for one in site.deliveries()} == {"PeerUnreachable"}
        site.deliver()  # in vain, once more: the next attempt is minutes away
        dcmtk.storescp(ae_title="PACS", port=port)
        site.later(310)
        assert site.deliver() == 2
        assert states(site) == ["delivered", "delivered"]


def test_c_echo_finds_that_it_is_back_before_the_next_attempt(
    tmp_path: Path, dcmtk: Dcmtk, free_port: Callable[[], int]
) -> None:
    """Twenty seconds after it answers again, the results go."""
    port = free_port()
    with site_with(tmp_path, pacs_at(port)) as (site, _):
        site.make_result()
        for _ in range(12):
            site.deliver()
            site.later(310)
        site.deliver()
        assert ask_one(site.equipment)
        assert not ask_one(site.equipment), "it was asked just now"
        assert not deliver_one(site.equipment)
        dcmtk.storescp(ae_title="PACS", port=port)
        site.later(21)
        assert not deliver_one(site.equipment), "its next attempt is minutes away"
        assert ask_one(site.equipment)
        site.deliver()
        assert states(site) == ["delivered"]
        assert not ask_one(site.equipment), "nothing waits for it"


def test_another_destination_gets_its_results_meanwhile(
    tmp_path: Path, dcmtk: Dcmtk, free_port: Callable[[], int]
) -> None:
    """What is held back for one destination is not held back for the other."""
    other = dcmtk.storescp(ae_title="OTHER")
    peers = (pacs_at(free_port()), pacs_at(other.port, "other", "OTHER"))
    with site_with(tmp_path, *peers) as (site, _):
        site.make_result()
        site.deliver()
        assert sorted(states(site)) == ["delivered", "waiting"]
        with query(site.engine) as session:
            (away,) = unfinished_destinations(session)
        assert (away.destination, away.under_way, away.away, away.ended) == ("pacs", 1, 1, 0)


def test_attempts_in_vain_do_not_count_for_what_comes_after(
    tmp_path: Path, free_port: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defect after a long outage is tried once more, as it would be without one."""
    with site_with(tmp_path, pacs_at(free_port())) as (site, _):
        site.make_result()
        for _ in range(50):
            site.deliver()
            site.later(310)

        def break_down(*_: object, **__: object) -> None:
            raise KeyError("broken")

        with monkeypatch.context() as patched:
            patched.setattr("worker.deliver.deliver_results.send_instances", break_down)
            site.deliver()
        assert states(site) == ["waiting"]
        site.later(310)
        site.deliver()
        assert states(site) == ["waiting"]


def test_everything_for_a_destination_again(
    tmp_path: Path, dcmtk: Dcmtk, free_port: Callable[[], int]
) -> None:
    """One call sends what the destination refused; nothing is left of it afterwards."""
    port = free_port()
    with site_with(tmp_path, pacs_at(port)) as (site, _):
        site.make_result()
        stranger = site.settings.model_copy(update={"peers": ()})
        settings, site.settings = site.settings, stranger
        site.deliver()
        assert states(site) == ["refused"]
        site.settings = settings
        with query(site.engine) as session:
            (one,) = unfinished_destinations(session)
            assert (one.under_way, one.ended) == (0, 1)
        with transaction(site.engine) as session:
            assert retry_destination(session, "elsewhere", site.now) == 0
            assert retry_destination(session, "pacs", site.now) == 1
        dcmtk.storescp(ae_title="PACS", port=port)
        site.deliver()
        assert states(site) == ["delivered"]
        with query(site.engine) as session:
            assert unfinished_destinations(session) == ()
