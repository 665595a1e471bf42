"""An upload in a worker's hands: answered, refused, put back for a study, swept, deleted.

The networks are real and know nothing but thresholds, so what must come out follows from the
phantom.
"""

from __future__ import annotations

import io
import json
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from database.jobs.requeue import waiting_jobs
from database.session import Engine, open_engine, query, transaction
from database.states import UploadState
from database.tables.study.analysis import Event, Study
from database.uploads.received import claim_upload
from database.uploads.sweep import waiting_uploads
from database.views.upload_rows import UploadFacts, upload_facts
from phantom import Phantom
from phantom.study import write_phantom_study
from radiology.algorithm import ExecutionProvider
from settings.environment import Settings
from tests.builders.chest.small_chest import bundles, grey, phantom
from tests.builders.hostile_uploads import archive, axial_slice
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.rows import NOON, queue_job
from tests.builders.stored.uploads import queue_files
from worker.equipment import Equipment
from worker.upload.analyse_upload import analyse_upload
from worker.upload.sweep_uploads import sweep_uploads

__all__ = ["bundles", "grey", "phantom"]  # fixtures


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def settings(tmp_path: Path, bundles: Path) -> Settings:
    return Settings(
        data_folder=tmp_path,
        bundles_folder=bundles,
        execution_provider=ExecutionProvider.CPU,
        inference_threads=1,
    )


@pytest.fixture
def engine(settings: Settings) -> Engine:
    engine = open_engine(settings.database_address)
    make_tables(engine)
    return engine


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def own(settings: Settings, engine: Engine, clock: Clock) -> Equipment:
    return Equipment(settings, engine, "worker", clock)


def facts_of(engine: Engine, token: str) -> UploadFacts:
    with query(engine) as session:
        found = upload_facts(session, token)
    assert found is not None
    return found


def events_of(engine: Engine) -> list[str]:
    with query(engine) as session:
        return [event.name for event in session.query(Event).order_by(Event.id)]


def study_files(folder: Path, phantom: Phantom) -> list[Path]:
    write_phantom_study(phantom, folder)
    return sorted(path for path in folder.iterdir() if path.is_file())


def test_a_study_in_an_archive_is_answered(
    own: Equipment, engine: Engine, tmp_path: Path, phantom: Phantom
) -> None:
    """Figures and a picture come out, the files are gone, and there is no study anywhere."""
    files = study_files(tmp_path / "phantom", phantom)
    packed = archive({path.name: path.read_bytes() for path in files} | {"README": b"read me"})
    token = queue_files(own.settings, engine, [packed], NOON)
    assert analyse_upload(own)
    found = facts_of(engine, token)
    assert (found.state, found.kind) == (UploadState.ANSWERED, "study"), found.error_message
    assert found.answer is not None
    assert found.answer["slices"] == len(files)
    assert not {"series_instance_uid", "context", "acquired_at"} & set(found.answer)
    assert found.answer["figures"]["total"]["lesion_volume_ml"] > 0
    assert [one.number for one in found.refusals] == [f"1.{len(files) + 1}"]
    assert found.picture is not None
    with Image.open(own.settings.uploads_folder / found.picture) as picture:
        assert picture.format == "PNG"
    kept = [path.name for path in (own.settings.uploads_folder / "a").iterdir()]
    assert kept == ["picture.png"]
    with query(engine) as session:
        assert session.query(Study).count() == 0
    assert events_of(engine) == ["upload_opened", "upload_waiting", "upload_answered"]


def test_a_picture_is_answered(own: Equipment, engine: Engine, grey: NDArray[np.uint8]) -> None:
    """One slice as PNG: a share of the lung in it, and its picture."""
    written = io.BytesIO()
    Image.fromarray(grey[16]).save(written, "PNG")
    token = queue_files(own.settings, engine, [written.getvalue()], NOON)
    assert analyse_upload(own)
    found = facts_of(engine, token)
    assert (found.state, found.kind) == (UploadState.ANSWERED, "slice"), found.error_message
    assert found.answer is not None
    assert found.answer["assessable"] is True
    assert found.answer["area_mm2"] is None
    assert found.picture is not None


def test_a_name_in_a_data_set_is_neither_kept_nor_logged(
    own: Equipment, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is in the row, the events and the log says nothing of the patient."""

    def change(dataset: object, _index: int) -> None:
        dataset.PatientName, dataset.PatientID = "Roe^Richard", "4711"  # type: ignore[attr-defined]
        dataset.Modality = "MR"  # type: ignore[attr-defined]

    token = queue_files(own.settings, engine, [axial_slice(change)], NOON)
    assert analyse_upload(own)
    found = facts_of(engine, token)
    assert found.state is UploadState.REFUSED
    said = capsys.readouterr()
    with query(engine) as session:
        events = [json.dumps(event.facts) for event in session.query(Event)]
    for text in (repr(found), *events, said.out, said.err):
        assert "Roe" not in text
        assert "4711" not in text


def test_a_refusal_says_why_and_its_files_are_deleted(own: Equipment, engine: Engine) -> None:
    """Two files of which none is an image."""
    token = queue_files(own.settings, engine, [b"<html>", b""], NOON)
    assert analyse_upload(own)
    found = facts_of(engine, token)
    assert (found.state, found.error_kind) == (UploadState.REFUSED, "UploadRefused")
    assert found.error_message == "None of the 2 files can be looked at"
    assert {one.number: one.reason for one in found.refusals}["2"] == "The file is empty"
    assert not (own.settings.uploads_folder / "a" / "received").exists()


def test_it_gives_way_to_a_study(own: Equipment, engine: Engine, clock: Clock) -> None:
    """A job that has waited for a second gets the worker; the upload waits as if untouched."""
    token = queue_files(own.settings, engine, [axial_slice()], NOON)
    queue_job(engine, study=1)
    clock.now += timedelta(minutes=1)
    assert analyse_upload(own)
    found = facts_of(engine, token)
    assert (found.state, found.ahead) == (UploadState.WAITING, 1)
    with query(engine) as session:
        assert waiting_jobs(session) == 1
    with transaction(engine) as session:
        claim = claim_upload(session, worker="other", lease_s=15, now=clock.now)
    assert claim is not None
    assert claim.attempts == 1  # giving way is no attempt


def test_without_a_model_it_waits_and_then_fails(
    settings: Settings, engine: Engine, tmp_path: Path, clock: Clock
) -> None:
    """A broken installation is not the upload's fault, but somebody is told in the end."""
    broken = settings.model_copy(update={"bundles_folder": tmp_path / "nothing"})
    token = queue_files(broken, engine, [axial_slice()], NOON)
    for _ in range(broken.uploads.max_attempts):
        assert facts_of(engine, token).state is UploadState.WAITING
        assert analyse_upload(Equipment(broken, engine, "worker", clock))
        with query(engine) as session:
            assert waiting_uploads(session, clock.now) == 0  # not at once
        clock.now += timedelta(minutes=1)
    found = facts_of(engine, token)
    assert (found.state, found.error_kind) == (UploadState.FAILED, "ModelUnavailable")


def test_the_sweep_takes_it_back_from_a_dead_worker(
    own: Equipment, engine: Engine, clock: Clock
) -> None:
    """A lease that ran out: it waits again, and what the dead worker still writes is not taken."""
    token = queue_files(own.settings, engine, [axial_slice()], NOON)
    for _ in range(own.settings.uploads.max_attempts):
        assert sweep_uploads(own.settings, engine, clock.now) == 1
        with transaction(engine) as session:
            assert claim_upload(session, worker="dead", lease_s=15, now=clock.now)
        clock.now += timedelta(seconds=16)
        sweep_uploads(own.settings, engine, clock.now)
    found = facts_of(engine, token)
    assert (found.state, found.error_kind) == (UploadState.FAILED, "WorkerLost")


def test_it_is_deleted_after_its_time(own: Equipment, engine: Engine, clock: Clock) -> None:
    """Row, files and picture go; nothing remains but events with its number."""
    token = queue_files(own.settings, engine, [b"<html>"], NOON)
    analyse_upload(own)
    clock.now += timedelta(seconds=own.settings.uploads.keep_s - 1)
    sweep_uploads(own.settings, engine, clock.now)
    assert facts_of(engine, token).state is UploadState.REFUSED
    clock.now += timedelta(seconds=2)
    sweep_uploads(own.settings, engine, clock.now)
    with query(engine) as session:
        assert upload_facts(session, token) is None
    assert list(own.settings.uploads_folder.iterdir()) == []
    assert events_of(engine)[-1] == "upload_deleted"
