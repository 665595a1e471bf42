"""Storage commitment with real peers, and with peers that do not do what they should."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from database.session import query
from database.tables.study.commitment import CommitmentObject, StorageCommitment
from radiology.errors import PeerRefused
from tests.builders.dicom.commitment import destination, event_names, site_with, states
from tests.builders.stored.results import STUDY_UID, Site, object_uids
from tests.peers.dicom.committing_pacs import Answers, CommittingPacs, running_committing_pacs
from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.waiting import wait_until
from tests.unit.dicom_node.small_ct import small_ct, write

pytestmark = pytest.mark.integration


@pytest.fixture
def pacs() -> Iterator[CommittingPacs]:
    """A PACS that answers on the association of the request."""
    with running_committing_pacs(Answers.SAME_ASSOCIATION) as running:
        yield running


def transactions(site: Site) -> list[str]:
    """The transaction UIDs of all requests, the oldest first."""
    with query(site.engine) as session:
        return list(
            session.scalars(
                select(StorageCommitment.transaction_uid).order_by(StorageCommitment.id)
            )
        )


def test_orthanc_commits(orthanc: OrthancPeer, tmp_path: Path) -> None:
    """Orthanc calls us with its answer, and the job ends committed."""
    with site_with(tmp_path, destination("pacs", orthanc.ae_title, orthanc.dicom_port)) as (
        site,
        node,
    ):
        orthanc.know_peer("FIRSTREAD", port=node.port)
        site.make_result()
        site.deliver()
        wait_until(lambda: states(site) == ["committed"], what="the promise of Orthanc")
        assert site.job_states() == ["committed"]
        assert orthanc.count(StudyInstanceUID=STUDY_UID) == 3
        names = event_names(site)
        assert names.index("sent") < names.index("commitment_asked") < names.index("committed")
        (delivery,) = site.deliveries()
        assert {one.state.value for one in delivery.statuses} == {"committed"}


def test_orthanc_has_lost_one(orthanc: OrthancPeer, tmp_path: Path) -> None:
    """An object that Orthanc no longer holds is sent again, and then all of it is committed."""
    with site_with(tmp_path, destination("pacs", orthanc.ae_title, orthanc.dicom_port)) as (
        site,
        node,
    ):
        site.make_result()
        site.deliver()  # Orthanc does not know us yet, so that it cannot answer
        assert states(site) == ["sent"]
        orthanc.delete(SOPInstanceUID=object_uids()["SEG"])
        orthanc.know_peer("FIRSTREAD", port=node.port)
        site.later(601)
        site.deliver()
        wait_until(lambda: "waiting" in states_of_objects(site), what="the failure of Orthanc")
        site.deliver()
        assert states(site) == ["waiting"]
        assert "it is sent again" in site.deliveries()[0].error_message
        site.later(10)
        site.deliver()
        wait_until(lambda: states(site) == ["committed"], what="the promise of Orthanc")
        assert orthanc.count(StudyInstanceUID=STUDY_UID) == 3


def states_of_objects(site: Site) -> list[str]:
    """Where the objects of the only delivery stand."""
    return [one.state.value for one in site.deliveries()[0].statuses]


def test_an_answer_on_the_same_association(pacs: CommittingPacs, tmp_path: Path) -> None:
    """A peer that answers at once need not call us."""
    with site_with(tmp_path, destination("pacs", "PACS", pacs.port)) as (site, _):
        site.make_result()
        site.deliver()
        assert states(site) == ["committed"]
        assert site.job_states() == ["committed"]
        assert pacs.report_statuses == [0x0000]
        assert pacs.requests[0][1].keys() == set(object_uids().values())


def test_an_answer_on_a_new_association(tmp_path: Path) -> None:
    """A peer that calls us needs no place among the sources, and can do nothing else then."""
    with (
        running_committing_pacs(Answers.NEW_ASSOCIATION) as pacs,
        site_with(tmp_path, destination("pacs", "PACS", pacs.port)) as (site, node),
    ):
        pacs.calls = lambda: node.port
        site.make_result()
        site.deliver()
        wait_until(lambda: states(site) == ["committed"], what="the promise")
        assert pacs.report_statuses == [0x0000]
        with pytest.raises(PeerRefused, match="offers nothing that we asked for"):
            node.send([write(small_ct(), tmp_path / "ct")], calling="PACS")


def test_a_peer_that_never_answers(tmp_path: Path) -> None:
    """It is asked again, then sent again, and in the end given up visibly; never taken for kept."""
    with (
        running_committing_pacs(Answers.NEVER) as pacs,
        site_with(tmp_path, destination("pacs", "PACS", pacs.port)) as (site, _),
    ):
        site.settings = site.settings.model_copy(update={"delivery_max_attempts": 2})
        site.make_result()
        site.deliver()
        assert states(site) == ["sent"]
        site.deliver()
        assert len(pacs.requests) == 1, "nothing is due before the time-out"
        for _ in range(2):
            site.later(601)
            site.deliver()
        assert (len(pacs.requests), len(pacs.stored)) == (3, 3)
        site.later(601)
        site.deliver()
        site.later(301)
        site.deliver()
        assert len(pacs.stored) == 6, "after three requests in vain it is sent again"
        assert len(set(transactions(site))) == 4, "each request is a transaction of its own"
        for _ in range(4):
            site.later(601)
            site.deliver()
        (delivery,) = site.deliveries()
        assert (delivery.state.value, delivery.error_kind) == ("failed", "NotCommitted")
        assert site.job_states() == ["encoded"]


def test_failure_for_one_instance(pacs: CommittingPacs, tmp_path: Path) -> None:
    """Only the instance that the peer does not keep is sent again, with its reason on record."""
    uids = object_uids()
    with site_with(tmp_path, destination("pacs", "PACS", pacs.port)) as (site, _):
        pacs.failing = (uids["SR"],)
        site.make_result()
        site.deliver()
        (delivery,) = site.deliveries()
        assert delivery.state.value == "waiting"
        assert sorted(one.state.value for one in delivery.statuses) == [
            "committed",
            "committed",
            "waiting",
        ]
        assert "0x0112" in delivery.statuses[1].reason
        with query(site.engine) as session:
            answers = session.scalars(select(CommitmentObject)).all()
            assert sorted(one.failure_reason or 0 for one in answers) == [0, 0, 0x0112]
        pacs.failing = ()
        site.later(10)
        site.deliver()
        assert states(site) == ["committed"]
        assert pacs.stored.count(uids["SR"]) == 2
        assert pacs.stored.count(uids["SEG"]) == 1
        assert [*pacs.requests[1][1]] == [uids["SR"]]


def test_failure_for_ever(pacs: CommittingPacs, tmp_path: Path) -> None:
    """A peer that never keeps an instance ends the delivery as failed, after several attempts."""
    with site_with(tmp_path, destination("pacs", "PACS", pacs.port)) as (site, _):
        site.settings = site.settings.model_copy(update={"delivery_max_attempts": 3})
        pacs.failing = (object_uids()["SR"],)
        site.make_result()
        for _ in range(4):
            site.deliver()
            site.later(301)
        (delivery,) = site.deliveries()
        assert (delivery.state.value, delivery.error_kind) == ("failed", "NotCommitted")
        assert "SR" in delivery.error_message
        assert pacs.stored.count(object_uids()["SR"]) == 3


@pytest.mark.parametrize("answers", [Answers.NOT_OFFERED, Answers.REFUSES])
def test_a_peer_without_storage_commitment(answers: Answers, tmp_path: Path) -> None:
    """The administrator is told to switch the setting off; then the same delivery ends well."""
    with (
        running_committing_pacs(answers) as pacs,
        site_with(tmp_path, destination("pacs", "PACS", pacs.port)) as (site, _),
    ):
        site.make_result()
        site.deliver()
        (delivery,) = site.deliveries()
        assert (delivery.state.value, delivery.error_kind) == ("refused", "PeerRefused")
        assert "storage" in delivery.error_message
        without = destination("pacs", "PACS", pacs.port, storage_commitment=False)
        site.settings = site.settings.model_copy(update={"peers": (without,)})
        from database.deliveries.claimed import retry_deliveries
        from database.session import transaction

        with transaction(site.engine) as session:
            assert retry_deliveries(session, 1, site.now) == 1
        site.deliver()
        assert states(site) == ["delivered"]
        assert site.job_states() == ["delivered"]


def test_a_job_is_committed_when_those_that_commit_have(
    pacs: CommittingPacs, tmp_path: Path
) -> None:
    """A second destination without storage commitment does not hold the job back."""
    with (
        running_committing_pacs(Answers.NOT_OFFERED) as simple,
        site_with(
            tmp_path,
            destination("pacs", "PACS", pacs.port),
            destination("simple", "PACS", simple.port, storage_commitment=False),
        ) as (site, _),
    ):
        site.make_result()
        site.deliver()
        assert states(site) == ["committed", "delivered"]
        assert site.job_states() == ["committed"]


def test_a_crash_between_store_and_answer_loses_nothing(tmp_path: Path) -> None:
    """A worker that dies after asking leaves a row by which the answer is still understood."""
    with (
        running_committing_pacs(Answers.NEVER) as pacs,
        site_with(tmp_path, destination("pacs", "PACS", pacs.port)) as (site, node),
    ):
        site.make_result()
        from database.deliveries.claimed import claim_delivery
        from database.deliveries.commitments import record_request
        from database.session import transaction
        from worker.deliver.deliver_results import deliver_one

        assert deliver_one(site.equipment)
        assert states(site) == ["sent"]
        with transaction(site.engine) as session:  # it claims, notes the request, and is killed
            claim = claim_delivery(session, lease_s=120, now=site.now)
            assert claim is not None
            asked = record_request(session, claim, "2.25.99", site.now)
        assert site.deliver() == 0, "its lease still holds"
        site.later(121)
        assert site.deliver() == 1
        assert len(pacs.requests) == 1, "the next worker asks again"
        instances = {one.sop_instance_uid: one.sop_class_uid for one in asked}
        assert pacs.report("2.25.99", instances, port=node.port) == 0x0000
        assert states(site) == ["committed"]
