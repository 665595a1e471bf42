"""An earlier CT is fetched from a real PACS after the result, and the result then tells the change.

The urgent answer never waits for it: whatever the PACS does, the first result stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
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
from database.tables.analysis import Event, Result, Study
from database.tables.prior import PriorRequest
from database.views.worklist_rows import rank_counts, state_counts, study_page
from dicom_node.request.query import retrieve_study
from models.older_readings import stored_reading
from models.schema_2.bundle import read_bundle
from phantom import TYPICAL_LESIONS, Phantom
from phantom.study import StudyIdentity, write_phantom_study
from radiology.urgency import Urgency
from settings.peers import Peer, PeerRole
from tests.builders.bundles import write_bundle
from tests.builders.chest.chest_pairs import scan
from tests.builders.chest.truth_reader import TruthReader, TruthReaders
from tests.builders.stored.listed import listed_rows
from tests.builders.stored.results import Moment
from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.ports import free_port
from tests.unit.dicom_node.running_node import SCANNER, RunningNode, running_node
from worker.deliver.deliver_results import deliver_one
from worker.equipment import Equipment
from worker.housekeeping import sweep_once
from worker.pipeline import analyse_one
from worker.priors.retrieve_priors import retrieve_one

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

FIRST_DAY = datetime(2026, 1, 1, 12)  # noqa: DTZ001 a scanner's clock has no zone
EARLIER = StudyIdentity(
    key="earlier",
    patient_id="4711",
    patient_name="Doe^Jane",
    moment=FIRST_DAY,
    patient_birth_date="19610203",
    patient_sex="F",
    issuer_of_patient_id="HOSPITAL A",
)
LATER = replace(EARLIER, key="later", moment=FIRST_DAY + timedelta(hours=36))


@pytest.fixture(scope="module")
def then() -> Phantom:
    return scan(lesions=TYPICAL_LESIONS[:3], spacing_mm=4.5)


@pytest.fixture(scope="module")
def now() -> Phantom:
    return scan(lesions=TYPICAL_LESIONS, spacing_mm=4.5)


@dataclass
class Hospital:
    """A node, and in this process the workers beside it, one step after the other."""

    node: RunningNode
    equipment: Equipment
    clock: Moment

    def work(self) -> None:
        """Assemble, analyse and deliver until nothing is left to do; nothing is retrieved."""
        settings, engine = self.node.settings, self.node.engine
        while True:
            # The node has the system's clock; what came just now is quiet only after that.
            self.clock.now = max(self.clock.now, datetime.now(UTC)) + timedelta(seconds=10)
            sweep_once(settings, engine, self.clock())
            done = analyse_one(self.equipment)
            while deliver_one(self.equipment):
                done = True
            if not done:
                return

    def retrieve(self) -> bool:
        """Ask for the earlier studies that are due."""
        return retrieve_one(self.equipment)

    def request(self) -> PriorRequest:
        """The one request."""
        with query(self.node.engine) as session:
            return session.scalars(select(PriorRequest)).one()

    def result(self) -> Result:
        """The later study's result in force."""
        with query(self.node.engine) as session:
            return session.scalars(
                select(Result)
                .join(Study, Study.id == Result.study_id)
                .where(
                    Study.study_instance_uid == LATER.uid("study"),
                    Result.superseded_by_id.is_(None),
                )
            ).one()

    def events(self) -> list[str]:
        """What the later study's page tells of earlier ones."""
        with query(self.node.engine) as session:
            page = study_page(session, LATER.uid("study"))
        assert page is not None
        return [one.name for one in page.events if one.name.startswith("priors_")]


@contextmanager
def hospital(
    folder: Path,
    pacs: Peer,
    now: Phantom,
    then: Phantom,
    *,
    held: StudyIdentity | None = None,
    **settings: object,
) -> Iterator[Hospital]:
    """A node that has received the later study, and before it one that it holds."""
    with running_node(folder / "node", peers=(pacs, SCANNER), **settings) as node:
        reader = TruthReader(read_bundle(write_bundle(folder / "bundles")))
        reader.phantoms |= {LATER.uid("study"): now, EARLIER.uid("study"): then}
        clock = Moment(datetime.now(UTC))
        equipment = Equipment(node.settings, node.engine, "worker", clock, jitter=lambda: 0.0)
        # Where a cached property keeps its value
        equipment.__dict__["readers"] = TruthReaders(node.settings, reader)
        if held is not None:
            reader.phantoms[held.uid("study")] = then
            node.send(write_phantom_study(then, folder / "held", identity=held))
        node.send(write_phantom_study(now, folder / "later", identity=LATER))
        yield Hospital(node, equipment, clock)


def pacs_at(orthanc: OrthancPeer) -> Peer:
    """A PACS that gets results and is asked for earlier studies."""
    return Peer(
        name="pacs",
        ae_title=orthanc.ae_title,  # type: ignore[arg-type]
        host=orthanc.host,
        port=orthanc.dicom_port,
        roles=frozenset(PeerRole),
    )


def put(orthanc: OrthancPeer, phantom: Phantom, folder: Path, identity: StudyIdentity) -> None:
    """Let the PACS hold a study."""
    for path in write_phantom_study(phantom, folder, identity=identity):
        orthanc.upload(path)


@pytest.fixture
def archive(orthanc: OrthancPeer) -> Iterator[OrthancPeer]:
    yield orthanc
    orthanc.forget_all()


def test_the_result_in_pacs_tells_the_change(
    archive: OrthancPeer, tmp_path: Path, then: Phantom, now: Phantom
) -> None:
    """First a result without, at once; then one with the change, which names the first."""
    put(archive, then, tmp_path / "earlier", EARLIER)
    with hospital(tmp_path, pacs_at(archive), now, then) as site:
        archive.know_peer("FIRSTREAD", port=site.node.port)
        site.work()
        assert _compared(site) is None
        (first,) = archive.data_sets(Modality="SR")
        assert site.retrieve()
        assert site.request().state is PriorRequestState.RETRIEVED
        site.work()
        assert site.events() == [
            "priors_wanted", "priors_found", "priors_retrieved", "priors_compared",
        ]  # fmt: skip
        result = site.result()
        assert _compared(site) == EARLIER.uid("study")
        assert result.urgency is Urgency.URGENT  # it grew by more than half in 36 hours
        reports = {str(one.SOPInstanceUID): one for one in archive.data_sets(Modality="SR")}
        second = reports.pop(next(uid for uid in reports if uid != first.SOPInstanceUID))
        assert list(reports) == [first.SOPInstanceUID]
        assert first.SOPInstanceUID in str(second.PredecessorDocumentsSequence)
        assert "Growth of lesions since the prior study" in str(second.ContentSequence)
        assert second.StudyInstanceUID == LATER.uid("study")
        with query(site.node.engine) as session:
            (row,) = listed_rows(session)
            assert row.study.study_instance_uid == LATER.uid("study")
            assert sum(rank_counts(session).values()) == sum(state_counts(session).values()) == 1
        assert not site.retrieve()  # once is enough
        site.work()
        assert len(archive.data_sets(Modality="SR")) == 2


def test_a_newer_one_in_pacs_takes_the_place_of_the_one_that_we_hold(
    archive: OrthancPeer, tmp_path: Path, then: Phantom, now: Phantom
) -> None:
    """What we held is compared with at once; then the latest, which only the PACS had."""
    oldest = replace(EARLIER, key="oldest", moment=EARLIER.moment - timedelta(days=9))
    put(archive, then, tmp_path / "earlier", EARLIER)
    with hospital(tmp_path, pacs_at(archive), now, then, held=oldest) as site:
        archive.know_peer("FIRSTREAD", port=site.node.port)
        site.work()
        assert _compared(site) == oldest.uid("study")
        while site.retrieve():
            pass
        site.work()
        assert _compared(site) == EARLIER.uid("study")
        assert site.result().study_version == 2


def _compared(site: Hospital) -> str | None:
    """The study that the result in force was compared with; None if with none."""
    comparison = stored_reading(site.result().reading).comparison
    return None if comparison is None else comparison.earlier.study_instance_uid


def test_another_patients_study_under_the_same_id_is_left_where_it_is(
    archive: OrthancPeer, tmp_path: Path, then: Phantom, now: Phantom
) -> None:
    """Birth date and sex are looked at before anything is fetched; the name never is."""
    for changed in ({"patient_birth_date": "19610204"}, {"patient_sex": "M"}):
        other = replace(EARLIER, key=str(changed), **changed)  # type: ignore[arg-type]
        put(archive, then, tmp_path / other.uid("study"), other)
    with hospital(tmp_path, pacs_at(archive), now, then) as site:
        archive.know_peer("FIRSTREAD", port=site.node.port)
        site.work()
        assert site.retrieve()
        assert site.request().state is PriorRequestState.NOTHING
        with query(site.node.engine) as session:
            assert len(session.scalars(select(Study)).all()) == 1
        site.work()
        assert site.result().study_version == 1


def test_a_pacs_that_does_not_answer_costs_nothing(
    tmp_path: Path, then: Phantom, now: Phantom
) -> None:
    """The result is there; after three attempts an event on the study's page says why no more."""
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
        for _ in range(3):
            assert site.retrieve()
            assert not site.retrieve()  # not before the wait is over
            site.clock.now += timedelta(seconds=301)
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
        assert _compared(site) == EARLIER.uid("study")
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
