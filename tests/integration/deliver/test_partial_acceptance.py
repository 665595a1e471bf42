"""PACS that take a part of a result: they get what they take, and the page says what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.uid import SegmentationStorage
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from database.deliveries.claimed import retry_deliveries
from database.session import open_engine, query, transaction
from database.views.unfinished_rows import open_deliveries
from database.views.worklist.worklist_rows import study_page
from settings.environment import Settings
from settings.peers import Peer
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.results import STUDY_UID, Site, object_uids
from tests.peers.dicom.committing_pacs import Answers, running_committing_pacs
from worklist.words.study_words import delivery_line, object_words

pytestmark = pytest.mark.integration


def site_for(folder: Path, port: int, **more: object) -> Site:
    """A site with one destination on this machine."""
    peer = Peer.model_validate(
        {
            "name": "pacs",
            "ae_title": "PACS",
            "host": "127.0.0.1",
            "port": port,
            "roles": ["destination"],
            **more,
        }
    )
    settings = Settings(data_folder=folder, peers=(peer,))
    engine = open_engine(settings.database_address)
    make_tables(engine)
    return Site(settings, engine)


def test_a_pacs_that_does_not_know_seg(tmp_path: Path) -> None:
    """It gets SR and SC; the page names the SEG and why; nothing is tried for ever."""
    with running_committing_pacs(
        Answers.NOT_OFFERED, refused_classes=(SegmentationStorage,)
    ) as pacs:
        site = site_for(tmp_path, pacs.port)
        site.make_result()
        site.deliver()
        uids = object_uids()
        assert pacs.stored == [uids["SR"], uids["SC"]]
        (delivery,) = site.deliveries()
        assert delivery.state.value == "delivered"
        assert site.job_states() == ["delivered"]
        site.later(100_000)
        assert site.deliver() == 0
        with query(site.engine) as session:
            page = study_page(session, STUDY_UID)
            ((_, _, still_open),) = open_deliveries(session, limit=10)
        assert page is not None
        assert page.row.result is not None
        (shown,) = page.results[0].deliveries
        line = delivery_line(shown)
        assert line.words == "stored in part"
        assert line.reason.startswith("Took SR and SC; refused SEG: The peer does not store")
        assert "Send again" in line.advice
        assert delivery_line(still_open).reason == line.reason
        assert [object_words(item) for item in shown.objects] == [
            "The peer does not store this SOP class: enable it there",
            "stored",
            "stored",
        ]


def test_the_log_says_what_was_delivered(tmp_path: Path) -> None:
    """One event for each delivery, which says whose, where to, how much, and no patient."""
    with running_committing_pacs(
        Answers.NOT_OFFERED, refused_classes=(SegmentationStorage,)
    ) as pacs:
        site = site_for(tmp_path, pacs.port)
        site.make_result()
        with capture_logs(processors=[merge_contextvars]) as logged:
            site.deliver()
    (event,) = [one for one in logged if one["event"] == "delivered"]
    assert (event["delivery_id"], event["destination"]) == (1, "pacs")
    assert (event["objects"], event["refused"]) == (2, 1)
    assert event["study_instance_uid"] == STUDY_UID


def test_the_part_that_is_taken_is_committed(tmp_path: Path) -> None:
    """Storage commitment is asked for what was stored, and the refused part stays visible."""
    with running_committing_pacs(
        Answers.SAME_ASSOCIATION, refused_classes=(SegmentationStorage,)
    ) as pacs:
        site = site_for(tmp_path, pacs.port, storage_commitment=True)
        site.make_result()
        site.deliver()
        (delivery,) = site.deliveries()
        assert delivery.state.value == "committed"
        assert delivery.error_message.startswith("Took SR and SC; refused SEG")
        uids = object_uids()
        assert [*pacs.requests[0][1]] == [uids["SR"], uids["SC"]]


def test_what_is_enabled_later_is_sent_when_a_person_asks(tmp_path: Path) -> None:
    """After the administrator has enabled SEG, "Send again" brings it, and nothing is missing."""
    with (
        running_committing_pacs(Answers.NOT_OFFERED, refused_classes=(SegmentationStorage,)) as old,
        running_committing_pacs(Answers.NOT_OFFERED) as new,
    ):
        site = site_for(tmp_path, old.port)
        site.make_result()
        site.deliver()
        moved = site.settings.peers[0].model_copy(update={"port": new.port})
        site.settings = site.settings.model_copy(update={"peers": (moved,)})
        with transaction(site.engine) as session:
            assert retry_deliveries(session, 1, site.now) == 1
        site.deliver()
        (delivery,) = site.deliveries()
        assert (delivery.state.value, delivery.error_kind) == ("delivered", "")
        assert set(new.stored) == set(object_uids().values())


@pytest.mark.parametrize("status", [0x0122, 0xA900, 0xC000])
def test_a_status_that_refuses_one_object(status: int, tmp_path: Path) -> None:
    """A failure status for good counts like a SOP class that is not offered."""
    with running_committing_pacs(Answers.NOT_OFFERED) as pacs:
        pacs.store_statuses[object_uids()["SR"]] = status
        site = site_for(tmp_path, pacs.port)
        site.make_result()
        site.deliver()
        (delivery,) = site.deliveries()
        assert delivery.state.value == "delivered"
        assert delivery.error_message.startswith("Took SEG and SC; refused SR")
        assert [one.status for one in delivery.statuses] == [0x0000, status, 0x0000]


def test_what_may_pass_is_tried_again_alone(tmp_path: Path) -> None:
    """Out of resources for one object: only that one is sent again, and then all are there."""
    with running_committing_pacs(Answers.NOT_OFFERED) as pacs:
        uids = object_uids()
        pacs.store_statuses[uids["SR"]] = 0xA700
        site = site_for(tmp_path, pacs.port)
        site.make_result()
        site.deliver()
        assert site.deliveries()[0].state.value == "waiting"
        pacs.store_statuses.clear()
        site.later(10)
        site.deliver()
        (delivery,) = site.deliveries()
        assert (delivery.state.value, delivery.error_kind) == ("delivered", "")
        assert pacs.stored == [uids["SEG"], uids["SC"], uids["SR"]]


def test_a_pacs_that_takes_nothing(tmp_path: Path) -> None:
    """Where every object is refused the delivery is refused, not delivered in part."""
    with running_committing_pacs(Answers.NOT_OFFERED) as pacs:
        pacs.store_statuses.update(dict.fromkeys(object_uids().values(), 0xC000))
        site = site_for(tmp_path, pacs.port)
        site.make_result()
        site.deliver()
        (delivery,) = site.deliveries()
        assert (delivery.state.value, delivery.error_kind) == ("refused", "PeerRefused")
        assert site.job_states() == ["encoded"]
