"""Each queue with one row in it, and the step of its attempt that goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import BasicTextSRStorage, ExplicitVRLittleEndian, generate_uid
from sqlalchemy import select, update

from database.priors.requests import request_priors
from database.session import Engine, query, transaction
from database.tables.readers.flag import FlagNotice
from database.tables.readers.upload import Upload
from database.tables.readers.work_item import WorkItemNotification, WorkItemRow
from database.tables.study.analysis import Delivery, Job, ResultObject, Study
from database.tables.study.prior import PriorRequest
from database.uploads.received import open_upload, queue_upload
from radiology.urgency import Urgency
from settings.environment import Settings
from tests.builders.stored.flags import FlaggedStudy, rules, webhook
from tests.builders.stored.rows import claim, finish, later, queue_job
from worker.deliver import deliver_results, report_work_items
from worker.deliver.deliver_results import deliver_one
from worker.deliver.report_work_items import report_one
from worker.equipment import Equipment
from worker.flag import flag_study
from worker.flag.channels import Channels
from worker.flag.flag_study import tell_one
from worker.pipeline import analyse_one
from worker.priors import retrieve_priors
from worker.priors.retrieve_priors import retrieve_one
from worker.series.kept_ahead import KeptAhead
from worker.upload import analyse_upload


def a_job(engine: Engine) -> None:
    queue_job(engine, study=1)


def an_upload(engine: Engine) -> None:
    with transaction(engine) as session:
        upload_id = open_upload(
            session, later(0), token="a", folder="a", reader="local", receive_s=900, most_open=5
        )
        assert upload_id is not None
        queue_upload(session, upload_id, later(0), files=1, size_bytes=10, keep_s=1e9)


def a_delivery(engine: Engine) -> None:
    queue_job(engine, study=1)
    finish(engine, claim(engine), destinations=["pacs"])


def a_report(engine: Engine) -> None:
    queue_job(engine, study=1)
    with transaction(engine) as session:
        work_item = session.scalars(select(WorkItemRow)).one()
        session.add(
            WorkItemNotification(
                receiving_ae_title="PACS",
                work_item_id=work_item.id,
                event_type=1,
                information={},
                created_at=later(0),
                due_at=later(0),
            )
        )


def a_request(engine: Engine) -> None:
    queue_job(engine, study=1)
    finish(engine, claim(engine), destinations=[])
    with transaction(engine) as session:
        session.execute(update(Study).values(patient_id="4711"))
        study = session.scalars(select(Study)).one()
        request_priors(session, study.id, ["pacs"], later(0), limit_s=1e9)


def a_notice(engine: Engine) -> None:
    FlaggedStudy(engine, rules(webhook())).result(Urgency.URGENT, 0)


def tell_pager(equipment: Equipment) -> bool:
    return tell_one(equipment, Channels(equipment.settings), "pager")


@dataclass
class Kind:
    """One queue: how a row gets there, how it is tried, and the step in it that goes wrong."""

    make_row: Callable[[Engine], None]
    attempt_one: Callable[[Equipment], bool]
    table: type[Any]
    owner: Any  # of the step: a module or a class
    step: str
    refused: str = "refused"


KINDS = {
    "jobs": Kind(a_job, analyse_one, Job, KeptAhead, "read_instances"),
    "uploads": Kind(
        an_upload, analyse_upload.analyse_upload, Upload, analyse_upload, "run_inspection"
    ),
    "deliveries": Kind(a_delivery, deliver_one, Delivery, deliver_results, "send_instances"),
    "reports": Kind(
        a_report, report_one, WorkItemNotification, report_work_items, "report_event", "failed"
    ),
    "requests": Kind(
        a_request, retrieve_one, PriorRequest, retrieve_priors, "read_patient_identity", "failed"
    ),
    "notices": Kind(a_notice, tell_pager, FlagNotice, flag_study, "_notice"),
}


def write_result_objects(engine: Engine, settings: Settings) -> None:
    """The files of what is delivered: whom they name is looked at before they are sent."""
    with query(engine) as session:
        paths = session.scalars(select(ResultObject.path)).all()
    for path in paths:
        file = settings.results_folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        header = Dataset()
        header.SOPClassUID, header.SOPInstanceUID = BasicTextSRStorage, generate_uid()
        header.PatientID = ""
        header.file_meta = FileMetaDataset()
        header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        header.save_as(file, enforce_file_format=True)
