"""The first result stands where an earlier CT does not come, comes too late or is not wanted."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from database.priors.requests import (
    PriorRequestClaim,
    claim_request,
    record_wanted,
)
from database.session import query, transaction
from database.states import PriorRequestState, WorklistRank
from database.tables.study.analysis import Event
from dicom_node.request.query import retrieve_study
from phantom import Phantom
from settings.peers import Peer, PeerRole
from tests.builders.chest.patient_seen_twice import EARLIER
from tests.builders.stored.listed import listed_rows
from tests.integration.priors.two_studies import Hospital, compared_with, hospital, pacs_at, put
from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.ports import free_port

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


def test_a_pacs_that_does_not_answer_costs_nothing(
    tmp_path: Path, then: Phantom, now: Phantom
) -> None:
    """The result is there; once the time limit is over the study's page says why no more comes."""
    silent = Peer(
        name="pacs",
        ae_title="PACS",  # type: ignore[arg-type]
        host="127.0.0.1",
        port=free_port(),
        roles=frozenset({PeerRole.QUERY, PeerRole.SOURCE}),
    )
    with hospital(tmp_path, silent, now, then) as site:
        site.work()
        before = site.result()
        settings = site.node.settings
        attempts = 0
        while site.request().state is PriorRequestState.WAITING:
            assert site.retrieve()
            assert not site.retrieve()  # not before the wait is over
            site.clock.now += timedelta(seconds=301)
            attempts += 1
        assert attempts > settings.fetch_priors_max_attempts, "it was merely away"
        assert attempts * 301 >= settings.fetch_priors_limit_s - 301
        assert not site.retrieve()
        site.work()
        request = site.request()
        assert (request.state, request.error_kind) == (PriorRequestState.FAILED, "PeerUnreachable")
        assert site.events() == ["priors_wanted", "priors_failed"]
        with query(site.node.engine) as session:
            reason = session.scalars(select(Event).where(Event.name == "priors_failed")).one()
            (row,) = listed_rows(session)
        assert reason.facts["error_kind"] == "PeerUnreachable"
        assert row.study.worklist_rank is WorklistRank.SUSPECTED
        assert (site.result().id, row.study.version) == (before.id, 1)


def test_a_worker_that_dies_while_it_fetches(
    archive: OrthancPeer, tmp_path: Path, then: Phantom, now: Phantom
) -> None:
    """Killed before it could note that the study had come: the next one fetches it once more."""
    put(archive, then, tmp_path / "earlier", EARLIER)
    with hospital(tmp_path, pacs_at(archive), now, then) as site:
        archive.know_peer("FIRSTREAD", port=site.node.port)
        site.work()
        dead = claimed(site)
        with transaction(site.node.engine) as session:
            record_wanted(session, dead, [EARLIER.uid("study")], [], site.clock())
        came = retrieve_study(
            pacs_at(archive), EARLIER.uid("study"), calling_ae_title="FIRSTREAD", timeout_s=60.0
        )
        assert came > 0
        assert not site.retrieve()  # its lease has not run out
        site.clock.now += timedelta(seconds=700)
        assert site.retrieve()
        site.work()
        assert compared_with(site) == EARLIER.uid("study")
        assert site.events().count("priors_compared") == 1


def claimed(site: Hospital) -> PriorRequestClaim:
    """The request in the hands of a worker that does nothing more."""
    with transaction(site.node.engine) as session:
        claim = claim_request(session, lease_s=660.0, now=site.clock())
    assert claim is not None
    return claim


def test_what_comes_too_late_is_not_compared(
    archive: OrthancPeer, tmp_path: Path, then: Phantom, now: Phantom
) -> None:
    """After the limit a reader has long gone on: no second result comes as a surprise."""
    put(archive, then, tmp_path / "earlier", EARLIER)
    with hospital(tmp_path, pacs_at(archive), now, then, fetch_priors_limit_s=60) as site:
        archive.know_peer("FIRSTREAD", port=site.node.port)
        site.work()
        assert site.retrieve()
        site.clock.now += timedelta(seconds=61)
        site.work()
        assert site.request().state is PriorRequestState.NOTHING
        assert site.result().study_version == 1


def test_without_such_a_peer_nothing_is_asked(tmp_path: Path, then: Phantom, now: Phantom) -> None:
    """A site that has not asked for it keeps what it had."""
    with hospital(tmp_path, Peer(name="pacs", ae_title="PACS"), now, then) as site:  # type: ignore[arg-type]
        site.work()
        assert site.events() == []
        assert not site.retrieve()
