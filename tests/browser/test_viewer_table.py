"""What OHIF makes of other ways to encode the same results: why ours look as they do.

docs/viewers.md shows the table; it is repeated here with our own objects, so that a new version of
OHIF that changes a row is noticed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import StrEnum
from pathlib import Path

import numpy as np
import pytest

from tests.builders.chest.analysed_phantom import analysed_phantom
from tests.builders.dicom import object_variants
from tests.builders.dicom.object_variants import Variant
from tests.builders.dicom.stored_study import part_10, store_study
from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.page.ohif_page import OhifPage
from tests.peers.programs import REPOSITORY
from tests.peers.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


class Seen(StrEnum):
    """What a reader gets to see."""

    FIGURES = "outlines and figures on the key slice"
    TEXT = "a tree of text"
    BLACK = "a black viewport, no message"
    PAINTED = "painted, with the report's volumes"
    HALVED = "painted, with half the volumes"
    NOT_LOADED = "not loaded, no message"


TABLE: tuple[tuple[str, Variant, Seen], ...] = (
    ("SR as sent", object_variants.report_as_sent, Seen.FIGURES),
    ("SR, groups refer to segments only", object_variants.report_with_segments, Seen.BLACK),
    ("the same, another root title", object_variants.report_with_another_title, Seen.TEXT),
    ("SR as sent, one more group without a place", object_variants.report_with_one_bare_group,
     Seen.BLACK),
    ("SR, the answer as codes only", object_variants.report_in_words, Seen.BLACK),
    ("SEG as sent (BINARY)", object_variants.segmentation_as_sent, Seen.PAINTED),
    ("SEG BINARY, every frame", object_variants.segmentation_with_every_frame, Seen.PAINTED),
    ("SEG BINARY, lungs too: segments overlap", object_variants.segmentation_with_lungs,
     Seen.HALVED),
    ("SEG LABELMAP", object_variants.segmentation_as_label_map, Seen.PAINTED),
    ("SEG LABELMAP, RLE", object_variants.segmentation_as_compressed_label_map, Seen.PAINTED),
    ("SEG FRACTIONAL", object_variants.segmentation_of_probabilities, Seen.NOT_LOADED),
)  # fmt: skip


@pytest.mark.parametrize(("name", "variant", "seen"), TABLE, ids=[row[0] for row in TABLE])
def test_what_a_reader_sees(
    pacs: OrthancPeer,
    tmp_path: Path,
    open_in_viewer: Callable[..., AbstractContextManager[OhifPage]],
    name: str,
    variant: Variant,
    seen: Seen,
) -> None:
    """Each way to encode the results ends as the table says."""
    study = analysed_phantom("positive", tmp_path / "source", salt=name)
    encoded = object_variants.renamed(variant(study), name)
    store_study(pacs, study, ())
    pacs.upload(part_10(encoded))
    with open_in_viewer(study.context.source.study_instance_uid, may_complain=True) as page:
        page.double_click(name)
        ended = wait_until(
            lambda: _outcome(page), what="something on the screen", limit_s=60, interval_s=0.5
        )
        if ended is Seen.PAINTED:
            lesions = page.agree_to_load()[-2:]
            counts = [(study.context.regions.lesions == label).sum() for label in (1, 2)]
            assert [one.voxels for one in lesions] == counts
            volumes_mm3 = 1000.0 * study.context.volume.voxel_ml * np.array(counts)
            shown_mm3 = np.array([one.volume_mm3 for one in lesions])
            if not np.allclose(shown_mm3, volumes_mm3, rtol=0.01):
                assert np.allclose(shown_mm3, volumes_mm3 / 2.0, rtol=0.02)
                ended = Seen.HALVED
    assert ended is seen


def _outcome(page: OhifPage) -> Seen | None:
    if page.figures_drawn():
        return Seen.FIGURES
    if any("Fractional" in line for line in page.complaints):
        return Seen.NOT_LOADED
    if any("ReferencedSOPSequence" in line for line in page.complaints):
        return Seen.BLACK
    if "Imaging Measurements" in page.text():
        return Seen.TEXT
    return Seen.PAINTED if page.asks_to_load() else None


def test_the_page_shows_the_table() -> None:
    """docs/viewers.md says of each row what is tested here."""
    page = (REPOSITORY / "docs" / "viewers.md").read_text()
    for name, _, seen in TABLE:
        assert f"| {name} | {seen.value} |" in page, name
