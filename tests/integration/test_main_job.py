"""The main job with real peers, in both sizes: a scanner sends, PACS has the results."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import highdicom
import numpy as np
import pytest
from pydicom import dcmread
from sqlalchemy import select

from database.demo_rows import StudyAnswer
from database.session import reading
from database.states import JobState
from database.tables import Job, Result, Study
from firstread.phantom import (
    ORIENTATIONS,
    TYPICAL_LESIONS,
    Phantom,
    make_phantom,
    phantom_grid,
    rotation,
)
from firstread.phantom.identity import StudyIdentity
from firstread.phantom.study import write_phantom_study
from settings.peers import RequestPriority
from tests.peers.dcmtk import Dcmtk
from tests.peers.dicom3tools import ConformanceReport
from tests.peers.firstread import RunningFirstread, running_firstread
from tests.peers.orthanc import OrthancPeer, start_orthanc
from tests.peers.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

_RUNNING = (JobState.SELECTED, JobState.DECODED, JobState.INFERRED)


@pytest.fixture(params=["embedded", "hospital"])
def firstread(
    request: pytest.FixtureRequest, tmp_path: Path, orthanc: OrthancPeer, dcmtk: Dcmtk
) -> Iterator[RunningFirstread]:
    """Firstread of both sizes in turn, empty."""

    def servers() -> tuple[str, str]:
        return request.getfixturevalue("postgres_url"), request.getfixturevalue("redis_url")

    with running_firstread(
        request.param, tmp_path, pacs=orthanc, dcmtk=dcmtk, servers=servers
    ) as running:
        yield running


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFirstread]:
    """One embedded Firstread for all tests that only look at their own study."""
    folder = tmp_path_factory.mktemp("embedded")
    pacs = start_orthanc(tmp_path_factory.mktemp("orthanc"))
    dcmtk = Dcmtk(work_folder=folder / "dcmtk")

    def no_servers() -> tuple[str, str]:
        raise LookupError("the embedded size needs no servers")

    with (
        pacs.process,
        running_firstread("embedded", folder, pacs=pacs, dcmtk=dcmtk, servers=no_servers) as one,
    ):
        yield one


def study_uid(folder: Path) -> str:
    """The Study Instance UID of a folder with one study."""
    first = next(path for path in sorted(folder.iterdir()) if path.is_file())
    return str(dcmread(first, specific_tags=["StudyInstanceUID"]).StudyInstanceUID)


def by_position(folder: Path) -> list[Path]:
    """Axial instances of a folder from foot to head."""
    return sorted(
        (path for path in folder.iterdir() if path.is_file()),
        key=lambda path: float(
            dcmread(path, specific_tags=["ImagePositionPatient"]).ImagePositionPatient[2]
        ),
    )


def shuffled(folder: Path, seed: int) -> list[Path]:
    """The instances of a folder in an order that nobody would choose."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    random.Random(seed).shuffle(files)
    return files


def test_a_scanner_sends_a_covid_study(
    firstread: RunningFirstread,
    shared_ct: Path,
    dciodvfy: Callable[..., ConformanceReport],
    tmp_path: Path,
) -> None:
    """The study is flagged, and PACS has SR, SEG and SC of it, valid and in the same study."""
    folder = shared_ct / "covid-P001"
    firstread.send(shuffled(folder, 1))
    answer = firstread.wait_for(study_uid(folder))
    assert answer.state == "delivered"
    assert answer.answer in ("suspected", "urgent")
    results = firstread.results(study_uid(folder))
    assert {kind: len(objects) for kind, objects in results.items()} == {"SR": 1, "SEG": 1, "OT": 1}
    source = dcmread(next(folder.iterdir()))
    for objects in results.values():
        assert objects[0].PatientID == source.PatientID
        assert objects[0].SeriesInstanceUID != source.SeriesInstanceUID
        report = dciodvfy(objects[0])
        assert not report.errors, report
    path = tmp_path / "sr.dcm"
    results["SR"][0].save_as(path)
    assert "Imaging Measurement Report" in firstread.dcmtk.dsrdump(path)


def test_the_segmentation_lies_on_its_source_slices(
    embedded: RunningFirstread, shared_ct: Path
) -> None:
    """Each frame of the SEG from PACS has the grid of the slice that it names."""
    folder = shared_ct / "covid-P001"
    embedded.send(by_position(folder))
    embedded.wait_for(study_uid(folder))
    (segmentation,) = embedded.results(study_uid(folder))["SEG"]
    sources = {}
    for path in folder.iterdir():
        header = dcmread(path, stop_before_pixels=True)
        sources[header.SOPInstanceUID] = header
    shared = segmentation.SharedFunctionalGroupsSequence[0]
    plane = shared.PlaneOrientationSequence[0].ImageOrientationPatient
    spacing = shared.PixelMeasuresSequence[0].PixelSpacing
    assert len(segmentation.PerFrameFunctionalGroupsSequence) > 0
    for frame in segmentation.PerFrameFunctionalGroupsSequence:
        named = frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        source = sources[named]
        position = frame.PlanePositionSequence[0].ImagePositionPatient
        assert np.allclose(position, source.ImagePositionPatient, atol=1e-3)
        assert np.allclose(plane, source.ImageOrientationPatient, atol=1e-4)
        assert np.allclose(spacing, source.PixelSpacing, atol=1e-4)
    assert (segmentation.Rows, segmentation.Columns) == (512, 512)


def test_a_normal_study_is_routine_and_has_no_segmentation(
    firstread: RunningFirstread, shared_ct: Path
) -> None:
    """A negative study gets SR and SC, no SEG, and stands below the others."""
    folder = shared_ct / "normal-001"
    firstread.send(by_position(folder))
    answer = firstread.wait_for(study_uid(folder))
    assert (answer.state, answer.answer) == ("delivered", "routine")
    assert set(firstread.results(study_uid(folder))) == {"SR", "OT"}


def small_phantom(orientation: str, folder: Path, *, multi_frame: bool = False) -> Phantom:
    """A phantom of 3 mm voxels, acquired in an orientation, written as DICOM."""
    matrix: object = orientation
    if orientation == "oblique":
        matrix = ORIENTATIONS["axial_to_head"]
        matrix = rotation(about_x=20.0, about_y=10.0, about_z=15.0) @ matrix
    phantom = make_phantom(
        grid=phantom_grid((130, 130, 130), (3.0, 3.0, 3.0), matrix),  # type: ignore[arg-type]
        lesions=TYPICAL_LESIONS,
    )
    # Another encoding of the same study would be a late second half of it.
    identity = StudyIdentity.of(phantom, salt="multi-frame" if multi_frame else "")
    write_phantom_study(phantom, folder, identity=identity, multi_frame=multi_frame)
    return phantom


@pytest.mark.parametrize(
    ("orientation", "multi_frame"),
    [*((name, False) for name in (*ORIENTATIONS, "oblique")), ("axial_to_head", True)],
)
def test_lesions_are_at_their_place_under_any_orientation(
    embedded: RunningFirstread, tmp_path: Path, orientation: str, multi_frame: bool
) -> None:
    """Lesion voxels of the SEG from PACS lie in the patient where the phantom has its lesions."""
    folder = tmp_path / "phantom"
    phantom = small_phantom(orientation, folder, multi_frame=multi_frame)
    embedded.send(shuffled(folder, 7))
    answer = embedded.wait_for(study_uid(folder))
    assert answer.answer in ("suspected", "urgent"), answer
    (data_set,) = embedded.results(study_uid(folder))["SEG"]
    segmentation = highdicom.seg.Segmentation.from_dataset(data_set)
    numbers = segmentation.get_segment_numbers(
        segmented_property_category=highdicom.sr.CodedConcept(
            "49755003", "SCT", "Morphologically Abnormal Structure"
        )
    )
    volume = segmentation.get_volume(segment_numbers=list(numbers), combine_segments=True)
    found = np.argwhere(volume.array > 0)
    positions = volume.map_indices_to_reference(found)
    _, truth_there = phantom.labels_at(positions)
    hit = np.count_nonzero(truth_there) * volume.voxel_volume / 1000.0
    measured = len(found) * volume.voxel_volume / 1000.0
    said = f"measured {measured:.0f} ml, hit {hit:.0f} ml of {phantom.lesion_ml():.0f} ml"
    assert hit > 0.6 * phantom.lesion_ml(), said
    assert 2.0 * hit / (measured + phantom.lesion_ml()) > 0.6, said


def test_sent_twice_gives_one_result_set(firstread: RunningFirstread, tmp_path: Path) -> None:
    """A scanner that sends a study again changes nothing."""
    folder = tmp_path / "phantom"
    small_phantom("axial_to_head", folder)
    firstread.send(shuffled(folder, 1))
    firstread.wait_for(study_uid(folder))
    before = {uid for (uid,) in _object_uids(firstread, study_uid(folder))}
    firstread.send(shuffled(folder, 2))
    # A new instance would have put the study back to "received" before its Success.
    (answer,) = firstread.answers()
    assert (answer.state, answer.version) == ("delivered", 1)
    assert {uid for (uid,) in _object_uids(firstread, study_uid(folder))} == before
    assert firstread.job_count() == 1


def _object_uids(firstread: RunningFirstread, uid: str) -> list[tuple[str]]:
    return [
        (str(one.SOPInstanceUID),) for objects in firstread.results(uid).values() for one in objects
    ]


def test_a_late_half_supersedes_the_first_result(
    firstread: RunningFirstread, tmp_path: Path
) -> None:
    """Instances that come after the first result make a second one, which names the first."""
    folder = tmp_path / "phantom"
    small_phantom("axial_to_head", folder)
    files = by_position(folder)
    firstread.send(files[::2])
    first = firstread.wait_for(study_uid(folder))
    firstread.send(files[1::2])
    second = firstread.wait_for(study_uid(folder), version=2)
    assert (first.answer, second.state) == (second.answer, "delivered")
    assert not set(first.object_uids) & set(second.object_uids)
    with reading(firstread.engine) as session:
        old, new = session.scalars(select(Result).order_by(Result.study_version)).all()
        assert old.superseded_by_id == new.id
        assert new.superseded_by_id is None
    reports = {one.SOPInstanceUID: one for one in firstread.results(study_uid(folder))["SR"]}
    assert len(reports) == 2
    predecessors = [
        one.PredecessorDocumentsSequence[0]
        .ReferencedSeriesSequence[0]
        .ReferencedSOPSequence[0]
        .ReferencedSOPInstanceUID
        for one in reports.values()
        if "PredecessorDocumentsSequence" in one
    ]
    assert len(predecessors) == 1
    assert predecessors[0] in first.object_uids


def test_a_killed_worker_costs_no_study(firstread: RunningFirstread, shared_ct: Path) -> None:
    """After kill -9 in the middle of a job the study ends by itself with exactly one result set."""
    folder = shared_ct / "covid-P001"
    firstread.send(by_position(folder))
    wait_until(
        lambda: firstread.job_count(*_RUNNING),
        what="a worker in the middle of the job",
        limit_s=60,
        interval_s=0.01,
    )
    firstread.signal_analysis(signal.SIGKILL)
    assert firstread.job_count(*_RUNNING) == 1
    firstread.revive_analysis()
    answer = firstread.wait_for(study_uid(folder))
    assert answer.state == "delivered"
    assert {
        kind: len(objects) for kind, objects in firstread.results(study_uid(folder)).items()
    } == {"SR": 1, "SEG": 1, "OT": 1}
    with reading(firstread.engine) as session:
        assert session.scalars(select(Job.attempts)).one() == 2
        assert len(session.scalars(select(Result)).all()) == 1


def test_the_stat_study_is_analysed_next(firstread: RunningFirstread, tmp_path: Path) -> None:
    """Of four queued studies the last, requested STAT, is the first to be claimed."""
    firstread.signal_analysis(signal.SIGSTOP)
    uids = []
    for number in range(4):
        folder = tmp_path / f"phantom-{number}"
        phantom = make_phantom(
            seed=number + 1, grid=phantom_grid((60, 64, 64), (5.0, 6.0, 6.0)), lesions=()
        )
        priority = RequestPriority.STAT if number == 3 else None
        identity = StudyIdentity.of(phantom, priority=priority)
        write_phantom_study(phantom, folder, identity=identity)
        firstread.send(shuffled(folder, number))
        uids.append(study_uid(folder))
    wait_until(
        lambda: firstread.job_count(JobState.QUEUED) == 4, what="four queued jobs", limit_s=30
    )
    firstread.signal_analysis(signal.SIGCONT)
    for uid in uids:
        firstread.wait_for(uid)
    with reading(firstread.engine) as session:
        order = session.scalars(
            select(Study.study_instance_uid)
            .join(Job, Job.study_id == Study.id)
            .order_by(Job.claimed_at)
        ).all()
    assert list(order) == [uids[3], *uids[:3]]


@pytest.mark.parametrize("name", ["lung-tumour-8mm", "transfer-syntaxes", "tiny-64x64"])
def test_odd_studies_end_with_an_answer_or_a_reason(
    embedded: RunningFirstread, shared_ct: Path, name: str
) -> None:
    """Thick slices, single slices in many syntaxes, a tiny matrix: each study ends readably."""
    files = sorted(path for path in (shared_ct / name).iterdir() if path.suffix != ".json")
    embedded.dcmtk.dcmsend(
        files, port=embedded.size.dicom_port, called_ae_title=embedded.size.ae_title
    )

    wanted = {
        str(dcmread(path, specific_tags=["StudyInstanceUID"]).StudyInstanceUID) for path in files
    }

    def ended() -> list[StudyAnswer]:
        mine = [one for one in embedded.answers() if one.study_instance_uid in wanted]
        return mine if mine and all(answer.ended for answer in mine) else []

    for answer in wait_until(ended, what="the end of every study", limit_s=90):
        assert answer.state in ("delivered", "refused"), answer
        assert answer.state == "delivered" or answer.reason, answer
