"""`firstread forget` while a node stores images of the same study, and dies."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import time
from multiprocessing import get_context
from pathlib import Path

from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from sqlalchemy import select

from database.session import open_engine, query
from database.studies.instances import Arrival
from database.tables.study.analysis import (
    Instance,
    Study,
)
from dicom_node.receive.record_arrivals import ArrivalRecorder
from dicom_node.spool import Spool, instance_path
from settings.peers import RequestPriority
from storage.local_files import LOCAL
from tests.builders.marked_patient import ACCESSION, PATIENT_ID, marked_image
from tests.builders.stored.kept_studies import START, KeptRows, KeptSite
from tests.integration.queue.retention.forget_command import forget, marks


def test_images_that_arrive_all_the_while(site: KeptSite, marked: KeptRows, tmp_path: Path) -> None:
    """A node stores images of the study and dies, twice; no stored image is lost to the forgetting.

    What came after the study went is of a new study: when nothing comes any more, it goes as well.
    """
    for first in (100, 10_000):
        node = get_context("fork").Process(target=_store_images, args=(site, marked.uid, first))
        node.start()
        _wait_for_images(site, marked.uid, more_than=first)
        assert forget(PATIENT_ID, "--yes").exit_code in (0, 1)
        _wait_for_images(site, marked.uid, more_than=first)
        os.kill(node.pid or 0, signal.SIGKILL)
        node.join(60)
        _require_stored_images(site, marked.uid)
    shutil.rmtree(site.settings.spool_folder / ".incoming")  # of nodes that are dead
    for path in (site.settings.spool_folder / marked.uid).rglob("*.dcm"):
        if path not in _stored(site, marked.uid):
            path.unlink()  # left without a row by a node that died before it had answered
    said = forget(f"patient:{PATIENT_ID}", "--yes", "--thorough")
    assert said.exit_code == 0, said.output
    assert marks(site, tmp_path) == set()


def _store_images(site: KeptSite, uid: str, first: int) -> None:
    """As the node does it, one after the other, for ever."""
    engine = open_engine(site.settings.database_address)
    recorder = ArrivalRecorder(
        engine, spool := Spool(site.settings.spool_folder, min_free_bytes=0), LOCAL, lambda: START
    )
    for number in itertools.count(first):
        file = spool.begin(b"")
        file.write(marked_image(uid, number))
        recorder.record(
            Arrival(
                study_instance_uid=uid,
                series_instance_uid=f"{uid}.1",
                sop_instance_uid=f"{uid}.1.{number}",
                sop_class_uid=CTImageStorage,
                transfer_syntax_uid=ExplicitVRLittleEndian,
                path=instance_path(uid, f"{uid}.1", f"{uid}.1.{number}"),
                sha256=file.sha256,
                size_bytes=file.size,
                calling_ae_title="SCANNER",
                association_id=None,
                priority=RequestPriority.ROUTINE,
                patient_id=PATIENT_ID,
                accession_number=ACCESSION,
            ),
            file,
        )


def _stored(site: KeptSite, uid: str) -> set[Path]:
    with query(site.engine) as session:
        paths = session.scalars(
            select(Instance.path)
            .join(Study, Study.id == Instance.study_id)
            .where(Study.study_instance_uid == uid, Instance.removed_at.is_(None))
        )
        return {site.settings.spool_folder / path for path in paths}


def _wait_for_images(site: KeptSite, uid: str, *, more_than: int) -> None:
    """Until the node has stored another one."""
    until = time.monotonic() + 60
    while not any(int(path.stem.rpartition(".")[2]) > more_than for path in _stored(site, uid)):
        assert time.monotonic() < until
        time.sleep(0.05)


def _require_stored_images(site: KeptSite, uid: str) -> None:
    stored = _stored(site, uid)
    assert len(stored) > 0
    assert [path for path in stored if not path.exists()] == []
