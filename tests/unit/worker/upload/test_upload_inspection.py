"""Looking through an upload: what is refused and why, and that nothing hurts whoever looks."""

from __future__ import annotations

from pathlib import Path

import pytest

from radiology.errors import UploadRefused
from settings.uploads import UploadLimits
from tests.builders.bundles import write_bundle
from tests.builders.dicom.ct_series import Stack, ramp, single_frame
from tests.builders.hostile_uploads import (
    HOSTILE,
    ONLY_ALONE,
    archive,
    axial_slice,
    bytes_of,
    damaged_slices,
    picture,
    write_upload,
)
from tests.unit.worker.series.test_decode_best import cut_off, two_series
from worker.upload.inspection import InspectionOrder, InspectionResult, UploadKind
from worker.upload.run_inspection import run_inspection


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("bundles"))


def inspect(
    folder: Path, bundle: Path, files: list[bytes], limits: UploadLimits | None = None
) -> InspectionResult:
    order = InspectionOrder(write_upload(folder, files), bundle, limits or UploadLimits())
    return run_inspection(order, on_step=lambda *_: None, on_wait=lambda: None)


def inspect_or_stop(folder: Path, bundle: Path, files: list[bytes]) -> InspectionResult:
    """As `inspect`; a decoder that is stopped by what it decodes is a reason too."""
    try:
        return inspect(folder, bundle, files)
    except UploadRefused as error:
        return InspectionResult(None, (), (), error.kind, error.message)


def test_each_hostile_file_is_refused_with_its_own_reason(tmp_path: Path, bundle: Path) -> None:
    """A folder of everything that is not a chest CT: a reason for each, and no answer."""
    names = list(HOSTILE)
    verdict = inspect(tmp_path / "upload", bundle, [HOSTILE[name][0]() for name in names])
    assert verdict.kind is None
    reasons = {one.number.split(".")[0]: one.reason for one in verdict.refusals}
    for number, name in enumerate(names, start=1):
        assert str(number) in reasons, f"{name} was not refused"
        assert HOSTILE[name][1] in reasons[str(number)], f"{name}: {reasons[str(number)]}"
        assert str(tmp_path) not in reasons[str(number)]


@pytest.mark.parametrize("name", ONLY_ALONE)
def test_an_instance_that_cannot_be_decoded_is_refused(
    tmp_path: Path, bundle: Path, name: str
) -> None:
    """Whatever an image claims about itself, a reason comes out, and the worker lives."""
    make, reason = ONLY_ALONE[name]
    verdict = inspect_or_stop(tmp_path / "upload", bundle, [make()])
    if name == "not-axial.dcm":  # decodes; that it is no axial slice is said when it is read
        assert verdict.kind is UploadKind.SLICE
        return
    assert verdict.kind is None
    assert verdict.error_message
    assert reason in verdict.error_message


def test_damaged_instances_have_an_answer_or_a_reason(tmp_path: Path, bundle: Path) -> None:
    """Forty slices with spoilt bytes in one archive: every one is read or refused by itself."""
    entries = {f"{index}.dcm": one for index, one in enumerate(damaged_slices(40, seed=7))}
    verdict = inspect_or_stop(tmp_path / "upload", bundle, [archive(entries)])
    assert all(one.reason for one in verdict.refusals)
    assert verdict.error_message or len(verdict.paths) + len(verdict.refusals) == 40


def test_what_is_too_much_altogether_is_not_read_in_part(tmp_path: Path, bundle: Path) -> None:
    """Beyond a limit of the whole nothing is read: half a study would give a wrong answer."""
    files = [archive({f"{index}.dcm": axial_slice() for index in range(30)})]
    many = inspect(tmp_path / "many", bundle, files, UploadLimits(most_files=20))
    assert many.kind is None
    assert "too many files" in many.error_message
    large = inspect(tmp_path / "large", bundle, files, UploadLimits(most_unpacked_bytes=100_000))
    assert large.kind is None
    assert "more than is allowed" in large.error_message


def test_instances_of_several_studies_are_refused(tmp_path: Path, bundle: Path) -> None:
    """Two patients must not become one answer."""
    (other,) = single_frame(Stack(ramp((1, 64, 64)), series="2"))
    other.StudyInstanceUID = "2.25.77"
    verdict = inspect(tmp_path / "upload", bundle, [axial_slice(), bytes_of(other)])
    assert verdict.kind is None
    assert "belong to 2 studies" in verdict.error_message


def test_a_series_that_cannot_be_decoded_gives_way_to_the_next_best(
    tmp_path: Path, bundle: Path
) -> None:
    """As in a study: one damaged slice costs the series that it is in, and nothing else."""
    paths = two_series(tmp_path / "study", cut_off)
    files = [path.read_bytes() for path in paths]
    verdict = inspect(tmp_path / "upload", bundle, files)
    assert verdict.kind is UploadKind.STUDY
    assert len(verdict.paths) == len(files)
    paths = two_series(tmp_path / "worse", cut_off, cut_off)
    verdict = inspect(tmp_path / "neither", bundle, [path.read_bytes() for path in paths])
    assert verdict.kind is None
    assert verdict.error_kind == "PixelDataUndecodable"


def test_several_pictures_are_refused(tmp_path: Path, bundle: Path) -> None:
    """Which of them is meant nobody could say."""
    verdict = inspect(tmp_path / "upload", bundle, [picture(), picture(kind="JPEG")])
    assert verdict.kind is None
    assert "2 pictures" in verdict.error_message


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (axial_slice(), UploadKind.SLICE),
        (picture(), UploadKind.PICTURE),
        (picture(kind="JPEG"), UploadKind.PICTURE),
        (archive({"CT/slice": axial_slice(), "README": b"read me"}), UploadKind.SLICE),
    ],
)
def test_what_can_be_read_comes_through(
    tmp_path: Path, bundle: Path, content: bytes, kind: UploadKind
) -> None:
    """A slice, a picture, and a slice in an archive with other things in it."""
    verdict = inspect(tmp_path / "upload", bundle, [content])
    assert verdict.kind is kind
    assert len(verdict.paths) == 1


def test_a_file_that_takes_too_long_is_refused(tmp_path: Path, bundle: Path) -> None:
    """The child is stopped when its time is up."""
    limits = UploadLimits(look_through_s=0.001)
    with pytest.raises(UploadRefused, match="too long"):
        inspect(tmp_path / "upload", bundle, [axial_slice()], limits)


def test_whoever_waits_can_stop_the_child(tmp_path: Path, bundle: Path) -> None:
    """A study that comes does not wait for the child: what `on_wait` raises ends it."""

    def stop() -> None:
        raise InterruptedError

    order = InspectionOrder(write_upload(tmp_path, [axial_slice()]), bundle, UploadLimits())
    with pytest.raises(InterruptedError):
        run_inspection(order, on_step=lambda *_: None, on_wait=stop)
