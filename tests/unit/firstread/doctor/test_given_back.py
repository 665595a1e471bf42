"""What a PACS gives back: the same, or other bytes than it was sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    ExplicitVRLittleEndian,
    RLELossless,
    SecondaryCaptureImageStorage,
)

from database.doctor.phantoms import PhantomObject
from dicom_node.node import start_node
from firstread.checks.check import Health
from firstread.doctor.line import DoctorLine
from firstread.doctor.path.compare import compare_objects
from firstread.doctor.path.given_back import look_at_objects
from tests.peers.dicom.tampering_pacs import FIND, GET, MOVE, running_tampering_pacs
from tests.unit.firstread.doctor.healthy_site import HealthySite

STUDY, SERIES, OBJECT = "2.25.11", "2.25.12", "2.25.13"


def _capture() -> Dataset:
    """A Secondary Capture with a voxel that differs from the others, and an item in a sequence."""
    made, item = Dataset(), Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID = SecondaryCaptureImageStorage
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID = OBJECT
    made.StudyInstanceUID, made.SeriesInstanceUID = STUDY, SERIES
    made.PatientName, made.PatientID, made.Modality = "TEST^FIRSTREAD DOCTOR", "TEST-1", "OT"
    made.ImageComments = "AI result"
    item.ReferencedSOPInstanceUID = "2.25.14"
    made.SourceImageSequence = [item]
    made.Rows = made.Columns = 16
    made.BitsAllocated = made.BitsStored = 8
    made.HighBit, made.PixelRepresentation, made.SamplesPerPixel = 7, 0, 1
    made.PhotometricInterpretation = "MONOCHROME2"
    pixels = np.zeros((16, 16), dtype=np.uint8)
    pixels[3, 5] = 200
    made.PixelData = pixels.tobytes()
    made["PixelData"].VR = "OB"
    return made


@pytest.fixture
def held(well: HealthySite) -> PhantomObject:
    """Give an object that we hold, and that the PACS has."""
    path = well.settings.results_folder / "object.dcm"
    path.parent.mkdir(parents=True)
    _capture().save_as(path, enforce_file_format=True)
    well.pacs.held[OBJECT] = _capture()
    return PhantomObject(
        "SC", str(SecondaryCaptureImageStorage), OBJECT, SERIES, "object.dcm", True, ""
    )


def _lines(well: HealthySite, held: PhantomObject) -> list[DoctorLine]:
    return list(look_at_objects(well.site, STUDY, "pacs", [held]))


def test_the_same_is_fine(well: HealthySite, held: PhantomObject) -> None:
    """By C-FIND and C-GET, all of it."""
    (line,) = _lines(well, held)
    assert line.health is Health.FINE
    assert str(line.said) == "pacs gives 1 objects back bit for bit (C-FIND, C-GET)"


def _one_voxel(given: Dataset) -> None:
    given.PixelData = given.PixelData[:53] + b"\xc9" + given.PixelData[54:]


def _within_a_sequence(given: Dataset) -> None:
    given.SourceImageSequence[0].ReferencedSOPInstanceUID = "2.25.15"


def _left_out(given: Dataset) -> None:
    del given.ImageComments


@pytest.mark.parametrize(
    ("tamper", "named"),
    [
        (_one_voxel, "PixelData"),
        (_within_a_sequence, "SourceImageSequence"),
        (_left_out, "ImageComments"),
    ],
)
def test_other_bytes_are_found(
    well: HealthySite, held: PhantomObject, tamper: Callable[[Dataset], None], named: str
) -> None:
    """One voxel, one item or one attribute less: broken, with the name of it and no value."""
    well.pacs.tamper = tamper
    (line,) = _lines(well, held)
    assert line.health is Health.BROKEN
    assert str(line.said) == f"pacs gives another SC back than it was sent: {named}"
    assert "Switch off what changes our objects" in str(line.cure)


def test_names_that_a_pacs_brings_in_line(well: HealthySite, held: PhantomObject) -> None:
    """Patient and order may be reconciled: to look at, with keywords and without a name."""
    well.pacs.tamper = lambda given: setattr(given, "PatientName", "MUSTERMANN^ERIKA")
    (line,) = _lines(well, held)
    assert line.health is Health.WARNING
    assert str(line.said).endswith("of patient or order in SC: PatientName")
    assert "MUSTERMANN" not in str(line.as_json())


def test_what_it_does_not_give_or_list(
    well: HealthySite, held: PhantomObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has answered Success, and has it not."""
    monkeypatch.setattr("firstread.doctor.path.given_back._PAUSE_S", 0.01)
    well.pacs.held.clear()
    listed, given = _lines(well, held)
    assert "does not list it" in str(listed.said)
    assert "does not give SC back" in str(given.said)
    assert {listed.health, given.health} == {Health.BROKEN}


@pytest.mark.parametrize(
    ("without", "said"),
    [
        ([GET, MOVE], ["pacs gives nothing back to us: the bytes were not compared"]),
        (
            [FIND, GET, MOVE],
            [
                "pacs does not let us search: whether it lists our objects is not checked",
                "pacs gives nothing back to us: the bytes were not compared",
            ],
        ),
    ],
)
def test_what_it_does_not_offer_is_said(
    well: HealthySite, held: PhantomObject, without: list[str], said: list[str]
) -> None:
    """What could not be checked is to look at, with whom to ask."""
    with running_tampering_pacs(without=without) as pacs:
        pacs.held[OBJECT] = _capture()
        lines = _lines(well.with_peer(port=pacs.port), held)
    assert [str(one.said) for one in lines] == said
    assert {one.health for one in lines} == {Health.WARNING}


@pytest.mark.parametrize("tampered", [False, True])
def test_by_c_move_to_our_node(well: HealthySite, held: PhantomObject, tampered: bool) -> None:
    """A PACS without C-GET sends to our node, which keeps what is waited for, and no more."""
    with running_tampering_pacs(without=[GET]) as pacs:
        site = well.with_peer(port=pacs.port)
        node = start_node(site.settings, site.site.engine)
        try:
            pacs.held[OBJECT], pacs.moves_to = _capture(), node.port
            pacs.tamper = _one_voxel if tampered else lambda _given: None
            (line,) = _lines(site, held)
        finally:
            node.stop(limit_s=0.5)
    if tampered:
        assert str(line.said).endswith("than it was sent: PixelData")
    else:
        assert str(line.said) == "pacs gives 1 objects back bit for bit (C-FIND, C-MOVE)"
    assert not site.settings.doctor_folder.exists()
    assert not list(site.settings.spool_folder.rglob("*.dcm"))


def test_another_transfer_syntax_is_the_same(tmp_path: Path) -> None:
    """Pixels are compared decoded: lossless compression changes nothing, and one voxel does."""
    path = tmp_path / "sent.dcm"
    _capture().save_as(path, enforce_file_format=True)
    assert not compare_objects(path, _compressed(_capture(), tmp_path)).is_harmful
    changed: Any = _capture()
    _one_voxel(changed)
    assert compare_objects(path, _compressed(changed, tmp_path)).pixels


def _compressed(made: Dataset, folder: Path) -> bytes:
    made.compress(RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
    made.save_as(folder / "compressed.dcm", enforce_file_format=True)
    return (folder / "compressed.dcm").read_bytes()


def test_what_is_no_dicom_is_damaged(tmp_path: Path) -> None:
    """It is said so, and what a library makes of it is not."""
    path = tmp_path / "sent.dcm"
    _capture().save_as(path, enforce_file_format=True)
    with pytest.raises(ValueError, match="it cannot be read"):
        compare_objects(path, b"not an object at all")
