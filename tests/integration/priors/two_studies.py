"""A hospital that gets a CT of a patient whose earlier CT may lie in a PACS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from database.session import query
from database.tables.study.analysis import Result, Study
from database.tables.study.prior import PriorRequest
from database.views.worklist.worklist_rows import study_page
from models.older_readings import stored_reading
from models.schema_2.bundle import read_bundle
from phantom import Phantom
from phantom.study import StudyIdentity, write_phantom_study
from settings.peers import Peer, PeerRole
from tests.builders.bundles import write_bundle
from tests.builders.chest.patient_seen_twice import EARLIER, LATER
from tests.builders.chest.truth_reader import TruthReader, TruthReaders
from tests.builders.stored.results import Moment
from tests.peers.dicom.orthanc import OrthancPeer
from tests.unit.dicom_node.running_node import SCANNER, RunningNode, running_node
from worker.deliver.deliver_results import deliver_one
from worker.equipment import Equipment
from worker.housekeeping import sweep_once
from worker.pipeline import analyse_one
from worker.priors.retrieve_priors import retrieve_one


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


def compared_with(site: Hospital) -> str | None:
    """The study that the result in force was compared with; None if with none."""
    comparison = stored_reading(site.result().reading).comparison
    return None if comparison is None else comparison.earlier.study_instance_uid
