"""A running Firstread of either size with real peers around it, as integration tests see it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset
from sqlalchemy import func, select

from database.session import Engine, open_engine, query
from database.states import JobState
from database.tables.study.analysis import Job
from database.views.demo_rows import StudyAnswer, study_answers
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.firstreads.embedded import Embedded, running_embedded
from tests.peers.firstreads.hospital import Hospital, running_hospital
from tests.peers.waiting import wait_until

_ANALYSIS_LIMIT_S = 180.0  # four studies wait in one test, on two busy cores


@dataclass(frozen=True)
class RunningFirstread:
    """Node, workers and page as processes of their own, Orthanc as PACS, dcmtk as scanner."""

    size: Embedded | Hospital
    engine: Engine
    pacs: OrthancPeer
    dcmtk: Dcmtk

    def send(self, files: Sequence[Path]) -> None:
        """Send by C-STORE in one association, each instance as it is encoded."""
        self.dcmtk.dcmsend(
            files, port=self.size.dicom_port, called_ae_title=self.size.ae_title
        ).check()

    def answers(self) -> list[StudyAnswer]:
        """Every study, in the order of the worklist page."""
        with query(self.engine) as session:
            return study_answers(session)

    def answers_about(self, study_instance_uid: str) -> list[StudyAnswer]:
        """What became of one study."""
        return [one for one in self.answers() if one.study_instance_uid == study_instance_uid]

    def wait_for(self, study_instance_uid: str, *, version: int = 1) -> StudyAnswer:
        """Wait until a version of a study has ended: delivered, refused or failed."""

        def ended() -> StudyAnswer | None:
            return next(
                (
                    answer
                    for answer in self.answers_about(study_instance_uid)
                    if answer.ended and answer.version == version
                ),
                None,
            )

        try:
            found = wait_until(
                ended, what=f"the end of version {version}", limit_s=_ANALYSIS_LIMIT_S
            )
        except AssertionError as error:
            stands = [
                (one.study_instance_uid, one.version, one.state, one.reason)
                for one in self.answers()
            ]
            raise AssertionError(f"{error}\n{stands}\n{self.logs()}") from error
        assert found is not None
        return found

    def results(self, study_instance_uid: str) -> dict[str, list[Dataset]]:
        """What PACS holds of a study besides CT, by modality."""
        found: dict[str, list[Dataset]] = {}
        for data_set in self.pacs.data_sets(StudyInstanceUID=study_instance_uid):
            if data_set.Modality != "CT":
                found.setdefault(str(data_set.Modality), []).append(data_set)
        return found

    def job_count(self, *states: JobState) -> int:
        """How many jobs there are, in some states or in all."""
        asked = select(func.count()).select_from(Job)
        if states:
            asked = asked.where(Job.state.in_(states))
        with query(self.engine) as session:
            return session.scalar(asked) or 0

    def signal_analysis(self, number: signal.Signals) -> None:
        """Send a signal to every process of the analysis worker, as the kernel would."""
        if isinstance(self.size, Embedded):
            for process_id in self.size.processes_of("analysis"):
                os.kill(process_id, number)
        else:
            os.killpg(self.size.processes["worker-analysis"].pid, number)

    def revive_analysis(self) -> None:
        """Start the analysis worker again where Docker would do it; `serve` does it by itself."""
        if isinstance(self.size, Hospital):
            self.size.restart("worker-analysis")

    def logs(self) -> str:
        """Last lines of what every part printed, for the message of a failed test."""
        if isinstance(self.size, Embedded):
            return self.size.process.log_tail(60)
        return self.size.logs()


@contextmanager
def running_firstread(
    size: str,
    folder: Path,
    *,
    pacs: OrthancPeer,
    dcmtk: Dcmtk,
    servers: Callable[[], tuple[str, str]],
    variables: Mapping[str, str] | None = None,
) -> Iterator[RunningFirstread]:
    """Start one of the two sizes.

    Parameters
    ----------
    size : "embedded" or "hospital"
    servers : gives the URLs of an empty PostgreSQL database and of a Redis; asked at need
    variables : more settings of the environment, without prefix
    """
    if size == "embedded":
        with running_embedded(folder, pacs=pacs, settings=variables) as embedded:
            engine = open_engine(embedded.database_url)
            yield RunningFirstread(embedded, engine, pacs, dcmtk)
            engine.dispose()
        return
    database_url, broker_url = servers()
    with running_hospital(
        folder, database_url=database_url, broker_url=broker_url, pacs=pacs, variables=variables
    ) as hospital:
        engine = open_engine(database_url)
        yield RunningFirstread(hospital, engine, pacs, dcmtk)
        engine.dispose()
