"""The day at the site: phantoms are sent, read, told of, judged, claimed and taken back.

Every row is written by the programs themselves, at the embedded size. The patients are invented.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from sqlalchemy import select

from database.flag_states import FlagState, NoticeKind, NoticeState
from database.session import query
from database.states import RUNNING, DeliveryState, PriorRequestState, UploadState
from database.tables.readers.flag import Flag, FlagNotice
from database.tables.readers.upload import Upload
from database.tables.readers.work_item import WorkItemNotification
from database.tables.study.analysis import Delivery, Instance, Job, Result, Study
from database.tables.study.prior import PriorRequest
from hl7_node.er7 import format_moment
from phantom.companions import Companion
from phantom.grid import phantom_grid
from phantom.identity import StudyIdentity
from phantom.lesions import EXTENSIVE_LESIONS, TYPICAL_LESIONS, Lesion
from phantom.study import write_phantom_study
from phantom.synthesis import Phantom, make_phantom
from radiology.work_item import work_item_uid
from settings.page.sign_in import Role
from tests.builders import hl7_messages
from tests.builders.hostile_uploads import archive
from tests.builders.old_rows.site import READER_AE_TITLE, UNREACHABLE, Browser, Site
from tests.builders.stored.readers import add_reader
from tests.peers.dicom.worklist_client import EVERY_WORK_ITEM, performed_step, worklist_client
from tests.peers.waiting import wait_until

_LIMIT_S = 1800.0  # models run on cores that others may share
_ACQUIRED = datetime(2026, 1, 1, 12)  # noqa: DTZ001 a scanner's clock has no zone
_LOCK = "2.25.500"  # of the client that claims
_COARSE = ((36, 96, 96), (8.0, 3.8, 3.8))  # slices, rows and columns; their distances in mm
_FINE = ((60, 180, 180), (4.8, 2.0, 2.0))


@dataclass(frozen=True)
class Sent:
    """A study in a folder."""

    uid: str
    files: Sequence[Path]


class Day:
    """What happens, one thing after the other; `run` is all of it."""

    def __init__(self, site: Site, folder: Path, say: Callable[[str], None]) -> None:
        self._site = site
        self._folder = folder
        self._say = say

    def run(self) -> None:
        """From the first sign-in to the last rejection note."""
        for name, role in (("anna", Role.ADMINISTRATOR), ("bela", Role.READER)):
            add_reader(self._site.engine, name, role)
        self._say("Studies are sent and read")
        urgent, suspected, healthy = self._studies()
        self._refusals(urgent)
        self._rest()
        self._say("A worker meets a file that is gone")
        self._defect()
        self._say("Readers work")
        with Browser(self._site) as anna, Browser(self._site) as bela:
            anna.fail_to_sign_in("anna")
            anna.sign_in("anna")
            bela.sign_in("bela")
            self._readers(anna, bela, urgent, healthy)
            self._uploads(anna, urgent)
        self._work_items(suspected, healthy)
        self._say("A study comes in two parts, and its result is withdrawn")
        self._withdrawal()
        self._rest()

    def _studies(self) -> tuple[Sent, Sent, Sent]:
        """One urgent, one to compare with what PACS holds, one without any finding."""
        site = self._site
        self._hear_of("P001", "A-0001")
        baseline = self._write(
            "P002", "baseline", TYPICAL_LESIONS[:3], before=timedelta(hours=36), grid=_FINE
        )
        for path in baseline.files:
            site.pacs.upload(path)
        suspected = self._write("P002", "A-0002", TYPICAL_LESIONS, grid=_FINE)
        healthy = self._write("P003", "A-0003", (), grid=_FINE)
        urgent = self._write(
            "P001",
            "A-0001",
            EXTENSIVE_LESIONS,
            multi_frame=False,
            companions=(Companion.LOCALIZER, Companion.DOSE_PAGE),
        )
        for one in (urgent, suspected, healthy):
            site.send(one.files)
        return urgent, suspected, healthy

    def _hear_of(self, patient_id: str, accession_number: str) -> None:
        """Order, visit and values of a patient, and an order that is cancelled."""
        patient = f"PID|1||{patient_id}^^^HOSPITAL^MR"
        now = format_moment(datetime.now(UTC))
        self._site.say(
            hl7_messages.order(accession_number, patient=patient, sent_at=now),
            hl7_messages.order("A-0099", patient=patient, control="CA", sent_at=now),
            hl7_messages.admission(patient=patient),
            hl7_messages.results(
                f"NM|9279-1^RR^LN||31|/min|||||F|||{now}",
                f"NM|59408-5^SpO2^LN||91|%|||||F|||{now}",
                patient=patient,
            ),
        )

    def _refusals(self, urgent: Sent) -> None:
        """A fragment of a study, a study without lungs, and an image that is there already."""
        self._site.send(self._write("P004", "A-0004", (), multi_frame=False).files[:3])
        self._site.send(self._write("P005", "A-0005", (), change=_without_lungs).files)
        self._site.send([self._changed(urgent.files[0])])

    def _changed(self, path: Path) -> Path:
        """The same SOP instance with another content."""
        content = bytearray(path.read_bytes())
        content[-2] ^= 0xFF
        changed = self._folder / "changed.dcm"
        changed.write_bytes(content)
        return changed

    def _defect(self) -> None:
        """A file is gone from the disk before its study is read."""
        site = self._site
        workers = site.firstread.processes_of("analysis")
        for process_id in workers:
            os.kill(process_id, signal.SIGSTOP)
        lost = self._write("P006", "A-0006", ())
        site.send(lost.files)
        wait_until(lambda: self._job_of(lost) is not None, what="its job", limit_s=_LIMIT_S)
        for path in (site.firstread.data_folder / "spool").rglob("*.dcm"):
            if lost.uid in path.parts:
                path.unlink()
        for process_id in workers:
            os.kill(process_id, signal.SIGCONT)
        self._rest()

    def _readers(self, anna: Browser, bela: Browser, urgent: Sent, healthy: Sent) -> None:
        """Studies are opened and judged, a flag acknowledged, values entered, a peer asked."""
        page = f"/studies/{urgent.uid}"
        wait_until(self._everybody_told, what="the flag's second step", limit_s=_LIMIT_S)
        anna.follow(f"/live{page}")
        anna.press(page, f"/flags/{self._flag_uid(urgent)}/acknowledge")
        judge = f"/results/{self._result_id(urgent)}/feedback"
        faults, comment = ["wrong-region", "wrong-type"], "A phantom breathes no air."
        bela.press(page, judge, judgement="disagree", fault=faults, comment=comment)
        bela.press(page, judge, judgement="agree")
        anna.press(page, judge, judgement="agree")
        values = {"age_years": "71", "systolic_mmhg": "105", "confusion": "no"}
        bela.press(page, f"{page}/clinical-values", **values)
        page, judge = f"/studies/{healthy.uid}", f"/results/{self._result_id(healthy)}/feedback"
        anna.press(page, judge, judgement="disagree", fault=["missed"])
        anna.press("/administration", "/administration/peers/pacs/echo")
        anna.press("/administration", f"/administration/peers/{UNREACHABLE}/echo")

    def _uploads(self, anna: Browser, urgent: Sent) -> None:
        """A slice, an archive of a study, and a file that is none of either."""
        files = {f"{number}.dcm": path.read_bytes() for number, path in enumerate(urgent.files)}
        anna.upload(urgent.files[len(urgent.files) // 2].read_bytes())
        anna.upload(archive(files))
        anna.upload(b"A letter, and no image.")
        self._rest()

    def _work_items(self, suspected: Sent, healthy: Sent) -> None:
        """A workstation watches all, reads one and cancels another; RIS has a report of a third."""
        first, second = (work_item_uid(one.uid) for one in (suspected, healthy))
        with worklist_client(self._site.firstread.dicom_port, READER_AE_TITLE) as client:
            client.subscribe(EVERY_WORK_ITEM)
            client.change_state(first, "IN PROGRESS", _LOCK)
            client.set(
                first,
                TransactionUID=_LOCK,
                UnifiedProcedureStepPerformedProcedureSequence=[performed_step()],
            )
            client.change_state(first, "COMPLETED", _LOCK)
            client.request_cancel(second, "Read elsewhere")
        self._site.say(hl7_messages.report("A-0001"))

    def _withdrawal(self) -> None:
        """A localizer comes alone and is refused; with the images comes a result that is wrong."""
        late = self._write("P007", "A-0007", EXTENSIVE_LESIONS, companions=(Companion.LOCALIZER,))
        for path in sorted(late.files, key=lambda path: path.stat().st_size):
            self._site.send([path])
            self._rest()
        self._site.run("results", "withdraw", late.uid, "--reason", "quality")

    def _write(
        self,
        patient_id: str,
        accession_number: str,
        lesions: Sequence[Lesion],
        *,
        grid: tuple[tuple[int, int, int], tuple[float, float, float]] = _COARSE,
        before: timedelta = timedelta(),
        multi_frame: bool = True,
        companions: Sequence[Companion] = (),
        change: Callable[[Phantom], Phantom] = lambda phantom: phantom,
    ) -> Sent:
        identity = StudyIdentity(
            key=f"old rows, {patient_id}, {accession_number}",
            patient_id=patient_id,
            accession_number=accession_number,
            moment=_ACQUIRED - before,
            patient_birth_date="19600101",
            patient_sex="F",
            issuer_of_patient_id="HOSPITAL",
        )
        phantom = change(make_phantom(seed=2, grid=phantom_grid(*grid), lesions=lesions))
        files = write_phantom_study(
            phantom,
            self._folder / accession_number,
            identity=identity,
            multi_frame=multi_frame,
            companions=companions,
        )
        return Sent(identity.uid("study"), files)

    def _rest(self) -> None:
        """Wait until nothing more happens by itself but what waits for an unreachable peer."""
        wait_until(self._is_at_rest, what="rest", limit_s=_LIMIT_S, interval_s=0.5)

    def _is_at_rest(self) -> bool:
        waiting = (
            select(Instance.id).where(Instance.study_version.is_(None)),
            select(Job.id).where(Job.state.in_(RUNNING)),
            select(Delivery.id).where(
                Delivery.state == DeliveryState.WAITING, Delivery.destination != UNREACHABLE
            ),
            select(PriorRequest.id).where(
                PriorRequest.state.in_((PriorRequestState.WAITING, PriorRequestState.RETRIEVED))
            ),
            select(FlagNotice.id).where(FlagNotice.state == NoticeState.WAITING),
            select(Upload.id).where(Upload.state.in_(_UNDER_WAY)),
            select(WorkItemNotification.id).where(WorkItemNotification.state == "waiting"),
        )
        with query(self._site.engine) as session:
            return not any(session.scalars(one.limit(1)).first() for one in waiting)

    def _everybody_told(self) -> bool:
        told = select(FlagNotice.id).where(
            FlagNotice.channel == "ward",
            FlagNotice.kind == NoticeKind.RAISED,
            FlagNotice.state == NoticeState.ACCEPTED,
        )
        with query(self._site.engine) as session:
            return session.scalars(told).first() is not None

    def _job_of(self, sent: Sent) -> int | None:
        asked = select(Job.id).join(Study).where(Study.study_instance_uid == sent.uid)
        with query(self._site.engine) as session:
            return session.scalars(asked).first()

    def _result_id(self, sent: Sent) -> int:
        asked = select(Result.id).join(Study, Study.id == Result.study_id)
        asked = asked.where(Study.study_instance_uid == sent.uid, Result.superseded_by_id.is_(None))
        with query(self._site.engine) as session:
            return session.scalars(asked).one()

    def _flag_uid(self, sent: Sent) -> str:
        asked = select(Flag.flag_uid).join(Study, Study.id == Flag.study_id)
        asked = asked.where(Study.study_instance_uid == sent.uid, Flag.state == FlagState.OPEN)
        with query(self._site.engine) as session:
            return session.scalars(asked).one()


_UNDER_WAY = (UploadState.RECEIVING, UploadState.WAITING, UploadState.RUNNING)


def _without_lungs(phantom: Phantom) -> Phantom:
    soft = np.maximum(phantom.volume.hounsfield, 20)
    return replace(phantom, volume=replace(phantom.volume, hounsfield=soft))
