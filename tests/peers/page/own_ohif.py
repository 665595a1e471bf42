"""OHIF as Firstread serves it itself: a page that holds studies, and a reader who is signed in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from database.session import Engine, open_engine, query
from database.tables.readers.account import AuditEvent
from settings.environment import Settings
from settings.page.sign_in import Role, SignIn
from settings.page.study_page import StudyPageSettings
from tests.builders.chest.analysed_phantom import AnalysedStudy
from tests.builders.dicom.stored_study import StoredStudy
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.held_study import hold_files, hold_results
from tests.builders.stored.readers import signed_in_reader
from tests.peers.page.ohif import DIST, OhifServer
from tests.peers.page.running_page import RunningPage
from tests.peers.ports import free_port
from tests.peers.programs import absent
from worker.encode import EncodedObject
from worklist.app import create_app
from worklist.ohif.installed import OHIF

READER = "radiologist"


@dataclass(frozen=True)
class OwnOhif:
    """A running page that serves OHIF and what OHIF shows."""

    settings: Settings
    engine: Engine
    server: OhifServer
    _held: set[str] = field(default_factory=set)

    @property
    def address(self) -> str:
        """Of the page itself, without a closing slash."""
        return self.server.address.removesuffix(OHIF)

    def hold(self, study: AnalysedStudy, objects: Sequence[EncodedObject]) -> StoredStudy:
        """Have the page hold a study and the objects of it; twice changes nothing."""
        held = StoredStudy(study, tuple(objects))
        if held.study_instance_uid not in self._held:
            uid = hold_files(self.settings, self.engine, study.files)
            hold_results(self.settings, self.engine, uid, [one.dataset for one in objects])
            self._held.add(uid)
        return held

    def retrievals(self, study_instance_uid: str) -> int:
        """How many audit events say that the reader retrieved a study."""
        with query(self.engine) as session:
            wanted = session.query(AuditEvent).filter_by(
                name="study_retrieved", reader=READER, study_instance_uid=study_instance_uid
            )
            return wanted.count()


@contextmanager
def running_own_ohif(folder: Path) -> Iterator[OwnOhif]:
    """Serve a page with OHIF; somebody with the role of a reader is signed in."""
    if not (DIST / "index.html").is_file():
        absent("OHIF is not installed (make viewer; it needs npm)")
    settings = Settings(
        data_folder=folder,
        worklist_port=free_port(),
        min_free_bytes=0,
        sign_in=SignIn(idle_minutes=24 * 60, longest_hours=24),
        study_page=StudyPageSettings(ohif_folder=DIST),
    )
    engine = open_engine(settings.database_address)
    make_tables(engine)
    session = signed_in_reader(engine, READER, Role.READER)
    page = RunningPage(create_app(settings, engine), settings)
    page.start()
    try:
        yield OwnOhif(settings, engine, OhifServer(page.address + OHIF, session))
    finally:
        page.stop()
        engine.dispose()
