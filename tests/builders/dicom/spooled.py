"""Studies in the spool with their rows, as the node leaves them, and a worker that reads them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from pydicom import dcmread
from sqlalchemy import select

from database.session import Engine, open_engine, query, transaction
from database.studies.assembly import assemble_study
from database.studies.instances import Arrival, record_instance
from database.tables.study.analysis import Result, Study
from phantom import Phantom
from phantom.study import StudyIdentity, write_phantom_study
from settings.environment import Settings
from settings.peers import RequestPriority
from tests.builders.chest.truth_reader import TruthReader, TruthReaders
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.rows import NOON, WAITS
from worker.equipment import Equipment
from worker.pipeline import analyse_one


@dataclass
class ReadingRoom:
    """A database, a spool and a worker, one after the other in one process."""

    settings: Settings
    reader: TruthReader | None = None  # None: the bundles that the settings name are loaded
    engine: Engine = field(init=False)
    equipment: Equipment = field(init=False)
    _now: datetime = NOON

    def __post_init__(self) -> None:
        self.engine = open_engine(self.settings.database_address)
        make_tables(self.engine)
        self.equipment = Equipment(self.settings, self.engine, "worker", lambda: self._now)
        if self.reader is not None:  # where a cached property keeps its value
            self.equipment.__dict__["readers"] = TruthReaders(self.settings, self.reader)

    def receive(self, phantom: Phantom, identity: StudyIdentity) -> str:
        """Put a study into the spool and queue its job; returns its Study Instance UID."""
        self._now += timedelta(minutes=1)
        uid = identity.uid("study")
        folder = self.settings.spool_folder / uid
        self.take(uid, write_phantom_study(phantom, folder, identity=identity))
        return uid

    def take(self, uid: str, paths: Iterable[Path]) -> None:
        """Record instances that lie in the spool, and assemble their study."""
        self.record(paths)
        self.assemble(uid)

    def record(self, paths: Iterable[Path]) -> None:
        """Record instances that lie in the spool, as they come."""
        self._now += timedelta(milliseconds=1)
        for path in paths:
            with transaction(self.engine) as session:
                record_instance(session, self._arrival(path), self._now)

    def assemble(self, uid: str) -> None:
        """Assemble a study: nothing more is expected of it."""
        with transaction(self.engine) as session:
            study = session.scalars(select(Study).where(Study.study_instance_uid == uid)).one()
            assemble_study(
                session, study.id, bundles=self.settings.bundles, waits=WAITS, now=self._now
            )

    def read(self, phantom: Phantom, identity: StudyIdentity) -> Result:
        """Receive a study, let the worker read it, and give its result in force."""
        uid = self.receive(phantom, identity)
        assert self.reader is not None, "real bundles know no phantom"
        self.reader.phantoms[uid] = phantom
        assert analyse_one(self.equipment)
        with query(self.engine) as session:
            return session.scalars(
                select(Result)
                .join(Study, Study.id == Result.study_id)
                .where(Study.study_instance_uid == uid, Result.superseded_by_id.is_(None))
            ).one()

    def _arrival(self, path: Path) -> Arrival:
        header = dcmread(path, stop_before_pixels=True)
        return Arrival(
            study_instance_uid=header.StudyInstanceUID,
            series_instance_uid=header.SeriesInstanceUID,
            sop_instance_uid=header.SOPInstanceUID,
            sop_class_uid=header.SOPClassUID,
            transfer_syntax_uid=header.file_meta.TransferSyntaxUID,
            path=str(path.relative_to(self.settings.spool_folder)),
            sha256="0" * 64,
            size_bytes=path.stat().st_size,
            calling_ae_title="SCANNER",
            association_id=None,
            priority=RequestPriority.ROUTINE,
            patient_id=header.PatientID,
        )
