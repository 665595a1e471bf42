"""WADO-RS, rendered: pictures with the window, the part and the size that are asked for."""

from __future__ import annotations

import io
import tracemalloc

import jpeg_ls
import numpy as np
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGLSLossless

from settings.environment import Settings
from tests.builders.stored.held_study import hold_instances
from tests.unit.dicom_node.small_ct import SERIES, STUDY
from tests.unit.worklist.access.visitor import Visitor
from tests.unit.worklist.dicomweb.small_study import RESULT_SERIES, ROOT, SmallStudy, slices
from tests.unit.worklist.seeding import SeededHospital

PNG = {"Accept": "image/png"}


def _picture(web: Visitor, address: str) -> np.ndarray:
    answer = web.get(address, PNG)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(answer.content), formats=("PNG",)) as picture:
        return np.asarray(picture)


def test_a_window_maps_hounsfield_units(web: Visitor, study: SmallStudy) -> None:
    """PS3.3 C.11.2.1.2: the first image has -1023 to -768 HU, row by row."""
    shown = _picture(web, f"{study.instance()}/rendered?window=-900.5,101,linear").ravel()
    hu = np.arange(256) + 1 - 1024.0
    expected = np.clip((hu + 901.0) / 100.0 + 0.5, 0, 1) * 255
    assert np.abs(shown - expected).max() <= 0.5
    exact = _picture(web, f"{study.instance()}/rendered?window=-900,100,linear-exact").ravel()
    assert exact[np.flatnonzero(hu == -900)[0]] in (127, 128)
    bent = _picture(web, f"{study.instance()}/rendered?window=-900,100,sigmoid").ravel()
    assert bent[np.flatnonzero(hu == -900)[0]] in (127, 128)
    assert 0 < bent[np.flatnonzero(hu == -980)[0]] < exact[np.flatnonzero(hu == -920)[0]]


def test_without_a_window_everything_is_seen(web: Visitor, study: SmallStudy) -> None:
    """No window in the data set: from the lowest to the highest value."""
    shown = _picture(web, f"{study.instance()}/rendered")
    assert (shown.min(), shown.max()) == (0, 255)


def test_the_window_of_the_data_set_counts(
    web: Visitor, hospital: SeededHospital, site: Settings
) -> None:
    """And MONOCHROME1 is shown the other way round."""
    usual, inverse = slices(2, WindowCenter="-900.5", WindowWidth="101")
    inverse.PhotometricInterpretation = "MONOCHROME1"
    inverse.PixelData = usual.PixelData
    hold_instances(site, hospital.engine, [usual, inverse])
    address = f"{ROOT}/studies/{STUDY}/series/{SERIES}/instances/{SERIES}"
    first = _picture(web, f"{address}.1/rendered")
    assert np.array_equal(first, 255 - _picture(web, f"{address}.2/rendered"))
    assert np.array_equal(first, _picture(web, f"{address}.1/frames/1/rendered?window=-900.5,101"))


def test_a_viewport_cuts_scales_and_mirrors(web: Visitor, study: SmallStudy) -> None:
    """PS3.18 Section 8.3.5.1.3: the whole into a box, a part of it, turned over."""
    rendered = f"{study.instance()}/rendered"
    whole = _picture(web, rendered)
    assert _picture(web, f"{rendered}?viewport=8,64").shape == (8, 8)
    part = _picture(web, f"{rendered}?viewport=4,4,2,3,4,4")
    assert np.array_equal(part, whole[3:7, 2:6])
    turned = _picture(web, f"{rendered}?viewport=4,4,2,3,-4,-4")
    assert np.array_equal(turned, whole[3:7, 2:6][::-1, ::-1])


def test_colours_and_jpeg(web: Visitor, study: SmallStudy) -> None:
    """A key picture keeps its colours; JPEG is what comes where nothing is said."""
    address = f"{study.address}/series/{RESULT_SERIES}/instances/{RESULT_SERIES}.1/rendered"
    shown = _picture(web, address)
    assert np.array_equal(shown.ravel(), np.frombuffer(bytes(range(256)) * 3, np.uint8))
    answer = web.get(f"{address}?quality=50", {"Accept": "*/*"})
    assert answer.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(answer.content), formats=("JPEG",)) as picture:
        assert picture.size == (16, 16)


@pytest.mark.parametrize(
    "asked",
    [
        "window=1",
        "window=1,0",
        "window=1,2,cubic",
        "window=nan,5",
        "window=1e99,5",
        "viewport=0,5",
        "viewport=100000,5",
        "viewport=8",
        "viewport=8,8,1,2",
        "viewport=8,8,0,0,0,4",
        "viewport=8,8,99,99,4,4",
        "quality=0",
        "quality=best",
    ],
)
def test_a_wrong_parameter_is_refused(web: Visitor, study: SmallStudy, asked: str) -> None:
    """400 with what is wrong."""
    answer = web.get(f"{study.instance()}/rendered?{asked}", PNG)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"].startswith("text/plain")


def test_of_many_frames_one_is_asked_for(
    web: Visitor, hospital: SeededHospital, site: Settings
) -> None:
    """406 without a frame number, with what to do; each frame by its number; 404 beyond."""
    (several,) = slices(1)
    several.NumberOfFrames = 2
    several.PixelData = np.arange(512, dtype="<u2").tobytes()
    hold_instances(site, hospital.engine, [several])
    address = f"{ROOT}/studies/{STUDY}/series/{SERIES}/instances/{SERIES}.1"
    refused = web.get(f"{address}/rendered", PNG)
    assert refused.status_code == 406
    assert "frames/1/rendered" in refused.text
    second = _picture(web, f"{address}/frames/2/rendered?window=-768,1024,linear-exact")
    first = _picture(web, f"{address}/frames/1/rendered?window=-768,1024,linear-exact")
    assert second.mean() > first.mean()
    assert web.get(f"{address}/frames/3/rendered", PNG).status_code == 404
    assert web.get(f"{address}/frames/1,2/rendered", PNG).status_code == 400


@pytest.mark.parametrize("colour", [False, True], ids=["grey", "colour"])
def test_a_large_frame_is_made_small_before_it_is_shown(
    web: Visitor, hospital: SeededHospital, site: Settings, colour: bool
) -> None:
    """A thumbnail of 32 megabytes takes little more than to decode them, and looks the same:
    each of its pixels is the mean of those that it stands for."""
    (large,) = slices(1, WindowCenter="0", WindowWidth="2049")
    side = 3200 if colour else 4000
    large.Rows = large.Columns = side
    ramp = np.linspace(0, 2047, side).astype("<u2")
    if colour:
        large.SamplesPerPixel, large.PlanarConfiguration = 3, 0
        large.PhotometricInterpretation = "RGB"
        large.BitsAllocated = large.BitsStored = 8
        large.HighBit = 7
        one = (ramp // 8).astype(np.uint8)
        large.PixelData = np.repeat(np.tile(one, (side, 1))[..., None], 3, axis=2).tobytes()
    else:
        large.PixelData = np.tile(ramp, (side, 1)).tobytes()
    frame_bytes = len(large.PixelData)
    hold_instances(site, hospital.engine, [large])
    address = f"{ROOT}/studies/{STUDY}/series/{SERIES}/instances/{SERIES}.1/rendered"
    del large
    tracemalloc.start()
    try:
        shown = _picture(web, f"{address}?viewport=100,100")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert shown.shape[:2] == (100, 100)
    expected = (ramp.reshape(100, -1).mean(axis=1) / 2048.0) * 255
    grey = shown[..., 1] if colour else shown
    assert np.abs(grey[50].astype(float) - expected)[2:-2].max() <= 1.5
    assert most < 3.3 * frame_bytes  # the decoder has some copies of its own


def test_a_frame_that_states_another_size_is_not_decoded(
    web: Visitor, hospital: SeededHospital, site: Settings
) -> None:
    """The limits go by the header; of a thousand bytes 8 MB are made, of more gigabytes."""
    (bomb,) = slices(1)
    bomb.SOPInstanceUID = bomb.file_meta.MediaStorageSOPInstanceUID = f"{SERIES}.9"
    bomb.file_meta.TransferSyntaxUID = JPEGLSLossless
    bomb.PixelData = encapsulate([bytes(jpeg_ls.encode(np.zeros((2000, 2000), np.uint16)))])
    bomb["PixelData"].VR = "OB"
    hold_instances(site, hospital.engine, [bomb])
    tracemalloc.start()
    address = f"{ROOT}/studies/{STUDY}/series/{SERIES}/instances/{SERIES}.9/frames/1/rendered"
    assert web.get(address, PNG).status_code == 500
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most_bytes < 4_000_000
