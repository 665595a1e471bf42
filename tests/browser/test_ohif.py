"""Our objects as a radiologist sees them: OHIF in Chromium, as Firstread serves it itself.

OHIF in front of a real Orthanc is `test_ohif_course`, `test_ohif_any_bundle`, `test_viewer_table`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, expect

from chest.values.figures import Side
from chest.values.regions import LesionLabel
from tests.builders.chest.analysed_phantom import KINDS, PROFILES, analysed_phantom
from tests.builders.dicom.stored_study import StoredStudy
from tests.builders.stored.readers import sign_in_browser
from tests.peers.page.ohif import OhifServer
from tests.peers.page.ohif_page import LIMIT_MS, OhifPage, Picture
from tests.peers.page.own_ohif import READER, OwnOhif, running_own_ohif
from tests.peers.waiting import wait_until
from worker.encode import EncodedKind

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

Opener = Callable[[str], AbstractContextManager[OhifPage]]

CHROMA = 25
"""CT is grey; what is painted is not. Difference between the largest and smallest of RGB."""

EVERY_KIND = pytest.mark.parametrize("kind", KINDS)
ENHANCED = pytest.mark.parametrize("enhanced", [False, True], ids=["CT", "Enhanced CT"])


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnOhif]:
    """Give one page for all studies of the module: each test looks at its own."""
    with running_own_ohif(tmp_path_factory.mktemp("firstread")) as running:
        yield running


@pytest.fixture(scope="module")
def viewer(own: OwnOhif) -> OhifServer:
    """Give OHIF as that page serves it, in the place of the one in front of Orthanc."""
    return own.server


def held(
    own: OwnOhif, folder: Path, profile: str, kind: str, *, enhanced: bool = False
) -> StoredStudy:
    study = analysed_phantom(kind, folder / "source", enhanced=enhanced, salt=profile)
    return own.hold(study, study.encoded(profile))


@EVERY_KIND
@pytest.mark.parametrize(
    ("profile", "enhanced"),
    [*((profile, False) for profile in PROFILES), ("viewer", True)],
    ids=[*PROFILES, "viewer, Enhanced CT"],
)
def test_every_object_is_listed_and_opens(
    own: OwnOhif,
    tmp_path: Path,
    open_in_viewer: Opener,
    keep_viewer_picture: Callable[[OhifPage, str], None],
    profile: str,
    kind: str,
    enhanced: bool,
) -> None:
    """Source, key picture and report by a double click; the report for programs, which OHIF shows
    black, is listed beside them without an error."""
    study = held(own, tmp_path, profile, kind, enhanced=enhanced)
    with open_in_viewer(study.study_instance_uid) as page:
        listed = page.series()
        for one in study.objects:
            modality = str(one.dataset.Modality)
            assert (modality, str(one.dataset.SeriesDescription)) in listed
        assert len(listed) == len(study.objects) + 1
        if any(one.kind is EncodedKind.SR for one in study.for_readers):
            page.open_report(study.description(EncodedKind.SR))
            assert page.shown_image() == study.image(study.key_slice)
        (capture,) = (one.dataset for one in study.objects if one.kind is EncodedKind.SC)

        def is_drawn() -> bool:
            """Under load OHIF at times names a picture and draws it when it is opened once more."""
            page.open_image(study.description(EncodedKind.SC))
            assert page.shown_image() == f"{capture.SOPInstanceUID}/frames/1"
            return bool(page.picture().std() > 30)  # a black viewport has 0

        wait_until(is_drawn, what="the key picture", limit_s=LIMIT_MS / 1000, interval_s=2.0)
        if profile == "viewer" and not enhanced:
            keep_viewer_picture(page, f"ohif-capture-{kind.replace(' ', '-')}")


def test_it_opens_at_the_key_slice(
    own: OwnOhif, tmp_path: Path, open_in_viewer: Callable[..., AbstractContextManager[OhifPage]]
) -> None:
    """As the study's page links to it, and without a tour for a reader who has never seen it."""
    study = held(own, tmp_path, "viewer", "positive")
    key = study.image(study.key_slice)
    with open_in_viewer(study.study_instance_uid, first=key.split("/")[0]) as page:
        page.page.wait_for_timeout(2000)  # in which a tour would have begun
        assert page.shown_image() == key
        expect(page.page.locator(".shepherd-element")).to_have_count(0)


@ENHANCED
def test_the_segmentation_is_painted_over_its_voxels(
    own: OwnOhif,
    tmp_path: Path,
    open_in_viewer: Opener,
    keep_viewer_picture: Callable[[OhifPage, str], None],
    enhanced: bool,
) -> None:
    """Grey before, coloured afterwards: every voxel of a lesion, each class in its own colour, and
    nothing beside them. The panel's volume is the report's."""
    study = held(own, tmp_path, "viewer", "positive", enhanced=enhanced)
    regions = study.study.context.regions
    index = study.key_slice
    recorded = own.retrievals(study.study_instance_uid)
    with open_in_viewer(study.study_instance_uid) as page:
        page.show_slice(study.image(index))
        before = page.picture()
        segments = page.load_segmentation(study.description(EncodedKind.SEG))
        page.show_slice(study.image(index))
        after = page.picture()
        x, y = voxel_places(page, study, index, after)
        if not enhanced:
            keep_viewer_picture(page, "ohif-segmentation")
    # A hundred requests are one event, unless they go beyond its five minutes.
    assert 1 <= own.retrievals(study.study_instance_uid) <= recorded + 1
    total = study.study.context.chest.figures[Side.TOTAL]
    expected = {
        "Ground glass opacity": (LesionLabel.GROUND_GLASS, total.ground_glass_ml),
        "Consolidation": (LesionLabel.CONSOLIDATION, total.consolidation_ml),
    }
    assert {one.label for one in segments} == set(expected)
    for one in segments:
        label, reported_ml = expected[one.label]
        assert one.voxels == np.count_nonzero(regions.lesions == label)
        assert one.volume_mm3 / 1000.0 == pytest.approx(reported_ml, rel=0.005)
    painted, lesions = chroma(after)[y, x] > CHROMA, regions.lesions[index]
    shown = lesions > 0
    assert np.mean(chroma(before)[y, x] > CHROMA) < 0.001  # letters at the edge
    assert painted[shown].all()
    assert np.mean(painted[~shown]) < 0.001
    glass = after[y, x][lesions == LesionLabel.GROUND_GLASS].mean(axis=0)
    solid = after[y, x][lesions == LesionLabel.CONSOLIDATION].mean(axis=0)
    assert glass[2] > glass[0] + 60  # blue, of (86, 180, 233)
    assert solid[0] > solid[2] + 30  # orange, of (230, 159, 0)


def voxel_places(
    page: OhifPage, study: StoredStudy, index: int, picture: Picture
) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Column and row of the picture at which the middle of each voxel of a slice is shown."""
    volume = study.study.context.volume
    _, rows, columns = volume.shape
    row, column = np.indices((rows, columns))
    indices = np.stack([np.full_like(row, index), row, column], axis=-1).reshape(-1, 3)
    places = np.rint(page.places(volume.positions_mm(indices.astype(float)))).astype(int)
    x, y = places.T.reshape(2, rows, columns)
    assert x.min() >= 0
    assert x.max() < picture.shape[1]
    assert y.min() >= 0
    assert y.max() < picture.shape[0]
    return x, y


def chroma(picture: Picture) -> NDArray[np.int_]:
    """How far a picture is from grey, for each pixel."""
    return picture.max(axis=2).astype(int) - picture.min(axis=2)


@ENHANCED
def test_the_report_shows_its_figures_at_the_lesion(
    own: OwnOhif,
    tmp_path: Path,
    open_in_viewer: Opener,
    keep_viewer_picture: Callable[[OhifPage, str], None],
    enhanced: bool,
) -> None:
    """The report jumps to its slice, draws outlines there, and shows what was measured."""
    study = held(own, tmp_path, "viewer", "positive", enhanced=enhanced)
    reading = study.study.context.chest
    with open_in_viewer(study.study_instance_uid) as page:
        page.open_report(study.description(EncodedKind.SR))
        assert page.shown_image() == study.image(study.key_slice)
        lines = page.lines()
        assert reading.suspicion is not None
        assert f"Probability: {100 * reading.suspicion:.2f} %" in lines
        both = reading.figures[Side.TOTAL]
        assert f"Volume: {both.lesion_volume_ml:.2f} ml" in lines
        assert f"Volume: {both.lung_volume_ml:.2f} ml" not in lines  # of another slice
        assert page.outlines() >= 3
        if not enhanced:
            keep_viewer_picture(page, "ohif-report")
        page.wait_for_lines(
            {
                f"Volume: {volume_ml:.2f} ml"
                for figures in reading.figures.values()
                for volume_ml in (figures.lesion_volume_ml, figures.lung_volume_ml)
            }
        )


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("negative", "Probability: 3.10 %"),
        ("not assessable", "NOT ASSESSABLE - failed checks: 1.00 {checks}"),
    ],
)
def test_a_report_without_findings_says_so(
    own: OwnOhif,
    tmp_path: Path,
    open_in_viewer: Opener,
    keep_viewer_picture: Callable[[OhifPage, str], None],
    kind: str,
    said: str,
) -> None:
    """A low probability, or that nothing could be assessed, stands on the picture."""
    study = held(own, tmp_path, "viewer", kind)
    with open_in_viewer(study.study_instance_uid) as page:
        page.open_report(study.description(EncodedKind.SR))
        assert said in page.lines()
        keep_viewer_picture(page, f"ohif-report-{kind.replace(' ', '-')}")


def test_one_click_from_the_study(own: OwnOhif, tmp_path: Path, viewer_browser: Browser) -> None:
    """Where the site names no viewer, the study's page offers OHIF, which lists what is held."""
    study = held(own, tmp_path, "viewer", "negative")
    with viewer_browser.new_context() as context:
        sign_in_browser(context, own.server.address, READER)
        page = context.new_page()
        page.goto(f"{own.address}/studies/{study.study_instance_uid}")
        with context.expect_page() as opened:
            page.get_by_role("link", name="Open in OHIF").click()
        labels = opened.value.locator("[data-cy=series-modality-label]")
        labels.first.wait_for(timeout=LIMIT_MS)
        expect(labels).to_have_count(1 + len(study.objects), timeout=LIMIT_MS)
