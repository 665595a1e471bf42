"""A node and a worker in this process, and a scanner that may send anybody's images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.dataset import FileDataset
from sqlalchemy import select

from database.flag_states import NoticeKind, NoticeState
from database.flags.content import notice_content
from database.flags.notices import accept_notice, claim_notice
from database.session import query, transaction
from database.states import DeliveryState, StudyState
from database.studies.assembly import assemble_study
from database.tables.readers.flag import Flag, FlagNotice
from database.tables.readers.work_item import WorkItemRow
from database.tables.study.analysis import Delivery, Event, Job, Result, ResultObject, Study
from models.schema_2.bundle import Bundle
from phantom import Phantom
from phantom.study import StudyIdentity, write_phantom_study
from settings.flags import Hl7Channel
from settings.peers import Peer, PeerRole
from tests.builders.chest.truth_reader import TruthReader
from tests.builders.dicom.spooled import ReadingRoom
from tests.builders.stored.rows import NOON, WAITS
from tests.peers.ports import free_port
from tests.unit.dicom_node.running_node import SCANNER, RunningNode, running_node
from worker.pipeline import analyse_one

SHAPE = (48, 64, 80)  # of the phantom
Change = Callable[[Dataset], None]


def said(**values: str) -> Change:
    """Images that say something else."""

    def change(image: Dataset) -> None:
        for keyword, value in values.items():
            setattr(image, keyword, value)

    return change


@dataclass
class PatientSite:
    """Where a study goes from the scanner to its results."""

    node: RunningNode
    room: ReadingRoom
    phantom: Phantom
    identity: StudyIdentity
    folder: Path

    @property
    def uid(self) -> str:
        """Study Instance UID."""
        return self.identity.uid("study")

    def scanned(self, change: Change | None = None, *, uids: str = "") -> list[FileDataset]:
        """The study as the scanner has it, each image changed.

        Parameters
        ----------
        uids : puts the images into a series of their own, under UIDs of their own
        """
        folder = self.folder / "scanned"
        if not folder.exists():
            write_phantom_study(self.phantom, folder, identity=self.identity)
        images = [dcmread(path) for path in sorted(folder.rglob("*.dcm"))]
        for image in images:
            if uids:
                image.SeriesInstanceUID += f".{uids}"
                image.SOPInstanceUID += f".{uids}"
                image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
            if change is not None:
                change(image)
        return images

    def send(self, images: Iterable[FileDataset]) -> list[int | None]:
        """Send images in one association; gives what the node answered."""
        folder = self.folder / "sent"
        folder.mkdir(exist_ok=True)
        paths = []
        for number, image in enumerate(images):
            paths.append(folder / f"{number}.dcm")
            image.save_as(paths[-1])
        return self.node.statuses(*paths)

    def read(self) -> Result | None:
        """Assemble what has come, and let the worker read it; gives the newest result."""
        with transaction(self.room.engine) as session:
            for study in session.scalars(select(Study).where(Study.state == StudyState.RECEIVED)):
                bundles = self.room.settings.bundles
                assemble_study(session, study.id, bundles=bundles, waits=WAITS, now=NOON)
        while analyse_one(self.room.equipment):
            pass
        with query(self.room.engine) as session:
            return session.scalars(select(Result).order_by(Result.id.desc())).first()

    def study(self) -> Study:
        """The study's row."""
        with query(self.room.engine) as session:
            return session.scalars(select(Study).where(Study.study_instance_uid == self.uid)).one()

    def objects(self) -> list[Dataset]:
        """What the newest result would send."""
        with query(self.room.engine) as session:
            newest = select(Result.id).order_by(Result.id.desc()).limit(1).scalar_subquery()
            paths = session.scalars(
                select(ResultObject.path).where(ResultObject.result_id == newest)
            ).all()
        return [dcmread(self.room.settings.results_folder / path) for path in paths]

    def flags(self) -> list[Flag]:
        """What other systems are told."""
        with query(self.room.engine) as session:
            return list(session.scalars(select(Flag)))

    def notices(self) -> list[int]:
        """The notices about flags."""
        with query(self.room.engine) as session:
            return list(session.scalars(select(FlagNotice.id).order_by(FlagNotice.id)))

    def take_notices(self) -> list[tuple[NoticeKind, str, str]]:
        """Let the receiver take what waits for it; gives what it heard."""
        heard = []
        with transaction(self.room.engine) as session:
            while claim := claim_notice(session, "ris", lease_s=60, now=NOON):
                content = notice_content(session, claim.notice_id)
                heard.append((claim.kind, content.patient_id, content.accession_number))
                accept_notice(session, claim, NOON, code="AA")
        return heard

    def waiting_notices(self) -> list[tuple[NoticeKind, str, str]]:
        """What waits for the receiver, with patient and order, the oldest first."""
        waiting = select(FlagNotice.id).where(FlagNotice.state == NoticeState.WAITING)
        with query(self.room.engine) as session:
            ids = session.scalars(waiting.order_by(FlagNotice.id)).all()
            said = [notice_content(session, one) for one in ids]
        return [(one.kind, one.patient_id, one.accession_number) for one in said]

    def deliveries(self) -> list[DeliveryState]:
        """Where the deliveries stand, the oldest first."""
        with query(self.room.engine) as session:
            return list(session.scalars(select(Delivery.state).order_by(Delivery.id)))

    def work_items(self) -> list[WorkItemRow]:
        """What worklist clients are offered."""
        with query(self.room.engine) as session:
            return list(session.scalars(select(WorkItemRow)))

    def jobs(self) -> list[Job]:
        """The jobs, the oldest first."""
        with query(self.room.engine) as session:
            return list(session.scalars(select(Job).order_by(Job.id)))

    def check_that_nobody_is_named(self) -> None:
        """Neither by the row nor by anything that leaves."""
        study = self.study()
        named = study.patient_id, study.issuer_of_patient_id, study.accession_number
        assert named == ("", "", "")
        assert (study.patient_sex, study.patient_age) == ("", "")
        assert self.objects() == []
        assert self.flags() == []
        assert self.deliveries() == []

    def check_that_all_name(self, patient_id: str, accession_number: str) -> None:
        """Row, objects, messages and work item name one patient and one order."""
        study = self.study()
        assert study.several_patients == ""
        assert (study.patient_id, study.accession_number) == (patient_id, accession_number)
        objects = self.objects()
        assert {one.PatientID for one in objects} == {patient_id}
        assert {one.AccessionNumber for one in objects} == {accession_number}
        assert {one[1:] for one in self.waiting_notices()} == {(patient_id, accession_number)}
        assert len(self.work_items()) == 1

    def events(self) -> list[str]:
        """What has happened."""
        with query(self.room.engine) as session:
            return list(session.scalars(select(Event.name).order_by(Event.id)))


@contextmanager
def patient_site(folder: Path, bundle: Bundle, phantom: Phantom) -> Iterator[PatientSite]:
    """Start a site with a PACS that does not answer and an HL7 receiver that does neither."""
    pacs = Peer(
        name="pacs",
        ae_title="PACS",  # type: ignore[arg-type]
        host="127.0.0.1",
        port=free_port(),
        roles=frozenset({PeerRole.DESTINATION}),
    )
    channel = Hl7Channel(name="ris", kind="hl7", host="127.0.0.1", port=free_port())
    identity = StudyIdentity(
        key=folder.name,
        patient_id="PAT-B",
        patient_name="Doe^John",
        accession_number="ACC-B",
        moment=datetime(2026, 1, 1, 11),  # noqa: DTZ001 a scanner's clock has no zone
        patient_birth_date="19610203",
        patient_sex="M",
    )
    with running_node(folder, clock=lambda: NOON, peers=(SCANNER, pacs), flags=(channel,)) as node:
        room = ReadingRoom(node.settings, TruthReader(bundle))
        assert room.reader is not None
        room.reader.phantoms[identity.uid("study")] = phantom
        yield PatientSite(node, room, phantom, identity, folder)
