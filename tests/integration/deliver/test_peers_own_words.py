"""A peer's own words for why it refuses: on the page, in the jobs, and in the log without names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from database.session import query
from database.views.job_rows import list_jobs
from database.views.worklist.worklist_rows import study_page
from dicom_node.request.query import find_studies, retrieve_study
from dicom_node.request.storage_commitment import request_commitment
from dicom_node.request.verification import verify_peer
from dicom_node.work_items.scu import WorkItemManager
from radiology.errors import FirstreadError, PeerBusy, PeerRefused
from radiology.language import Language
from radiology.work_item import WorkItemState
from settings.peers import Peer
from tests.builders.stored.notices import RAISED_AT, notice
from tests.builders.stored.results import STUDY_UID, Site
from tests.integration.deliver.test_partial_acceptance import site_for
from tests.peers.dicom.refusing_pacs import RefusingPacs, running_refusing_pacs
from worker.flag.flagged_work_item import flagged_work_item
from worklist.words.study_words import delivery_line
from worklist.words.translations import use_language

pytestmark = pytest.mark.integration

NAMES = "no room for DOE^JANE 19600101"
US = {"calling_ae_title": "FIRSTREAD", "timeout_s": 20.0}


def page_says(site: Site) -> str:
    """The reason that the study's page gives for its one delivery."""
    with query(site.engine) as session:
        page = study_page(session, STUDY_UID)
    assert page is not None
    (shown,) = page.results[0].deliveries
    return delivery_line(shown).reason


def jobs_say(site: Site) -> str:
    """What `firstread jobs` shows of the deliveries."""
    with query(site.engine) as session:
        return str([job.deliveries for job in list_jobs(session, failed_only=False, limit=10)])


def test_a_refusal_is_told_in_the_words_of_the_peer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0xA777 "not allowed for this AE": asked once, not forty times, and everybody reads why."""
    with running_refusing_pacs(0xA777, "not allowed for this AE") as pacs:
        site = site_for(tmp_path, pacs.port)
        site.make_result()
        site.deliver()
        asked = pacs.asked
        site.later(100_000)
        assert site.deliver() == 0
        assert pacs.asked == asked
    (delivery,) = site.deliveries()
    assert delivery.state.value == "refused"
    for said in (page_says(site), jobs_say(site)):
        assert "“not allowed for this AE”" in said
        assert "0xA777" in said
    logged = "".join(capsys.readouterr())
    assert "not allowed for this AE" in logged
    assert "0xA777" in logged


def test_words_that_name_a_patient_are_not_logged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They stand where patients stand, on the page; the log has the status and the other words."""
    with running_refusing_pacs(0xA700, NAMES) as pacs:
        site = site_for(tmp_path, pacs.port)
        site.make_result()
        site.deliver()
    (delivery,) = site.deliveries()
    assert delivery.state.value == "waiting"
    assert f"“{NAMES}”" in page_says(site)
    logged = "".join(capsys.readouterr())
    assert "0xA700" in logged
    for private in ("DOE", "JANE", "1960"):
        assert private not in logged
    use_language(Language.CHINESE)
    try:
        said = page_says(site)
    finally:
        use_language(Language.ENGLISH)
    assert said.startswith("对方资源不足")
    assert said.endswith(f"对方说明：“{NAMES}”")


def item_of(peer: Peer) -> WorkItemManager:
    return WorkItemManager(peer, **US)


ITEM = flagged_work_item(notice(), RAISED_AT)
SERVICES: dict[str, Callable[[Peer], object]] = {
    "C-ECHO": lambda peer: verify_peer(peer, **US),
    "C-FIND": lambda peer: find_studies(peer, "P001", before=date(2026, 1, 1), **US),
    "C-MOVE": lambda peer: retrieve_study(peer, "2.25.1", **US),
    "N-ACTION, storage commitment": lambda peer: request_commitment(
        peer, "2.25.5", {"2.25.7": "1.2.840.10008.5.1.4.1.1.2"}, lambda _: None, wait_s=1.0, **US
    ),
    "N-CREATE": lambda peer: item_of(peer).put(ITEM),
    "N-SET": lambda peer: item_of(peer).change(ITEM),
    "N-GET": lambda peer: item_of(peer).state_of("2.25.5"),
    "N-ACTION, work item": lambda peer: item_of(peer).change_state(
        "2.25.5", WorkItemState.IN_PROGRESS, "2.25.6"
    ),
}


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_passes_the_words_on(service: str) -> None:
    """With the status, and apart from what may be logged."""
    with running_refusing_pacs(0x0110, NAMES) as pacs:
        refusal = refused(service, pacs)
        assert refusal.said == NAMES
        assert refusal.facts["status"] == "0x0110"
        assert "JANE" not in str(refusal)
        pacs.comment = "calling AE is not authorized here"
        assert type(refused(service, pacs)) is PeerRefused


def refused(service: str, pacs: RefusingPacs) -> FirstreadError:
    """The error that a service ends in."""
    with pytest.raises((PeerBusy, PeerRefused)) as raised:
        SERVICES[service](pacs.as_peer)
    return raised.value
