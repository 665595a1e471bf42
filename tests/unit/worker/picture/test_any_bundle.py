"""The key picture of bundles that are not of the chest: a head with outlines, and scores alone."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset, dcmread

from models.declared_bundle import read_declared_bundle
from models.read_volume import read_volume
from models.run.declared_network import load_networks
from phantom.head import Bleeding, BleedingLabel, head_grid, make_head_phantom
from phantom.head.study import write_head_study
from radiology.algorithm import ExecutionProvider
from radiology.answer.finding import Presence
from radiology.image.slice_stack import INDEX, labels_entry, unpack_labels
from radiology.image.volume import SourceFrame, Volume
from radiology.language import Language
from radiology.outcome import Outcome
from radiology.region import Region
from tests.builders.declared.patch_segmenter import write_patch_segmenter
from tests.builders.declared.slice_scorer import write_slice_scorer
from tests.peers.dicom.dicom3tools import dciodvfy
from tests.unit.worker.encode.encoded_chest import WHEN
from worker.encode import (
    ResultContext,
    ShownReading,
    encode_results,
    encode_secondary_capture,
    prove_objects,
    render_key_picture,
)
from worker.encode.picture.axial_stack import SOFT_TISSUE_HU, AxialStack
from worker.encode.picture.body import body_box
from worker.encode.picture.figures import FigureTable, shown_table
from worker.encode.picture.key_picture import WIDTH_PX
from worker.encode.picture.lines import line_styles
from worker.encode.picture.panels import Frame
from worker.encode.picture.statements import statements
from worker.keep.keep_results import bytes_of
from worker.keep.keep_slices import keep_slices

BRAIN, BLEEDING = (86, 180, 233), (230, 159, 0)
GRID = head_grid((24, 96, 96), (6.0, 2.4, 2.4))
BLEEDINGS = (Bleeding(BleedingLabel.INTRAPARENCHYMAL, 30.0),)


@pytest.fixture(scope="module")
def head() -> Volume:
    return make_head_phantom(grid=GRID, bleedings=BLEEDINGS).volume


def shown_by(folder: Path, volume: Volume) -> ShownReading:
    bundle = read_declared_bundle(folder)
    networks = load_networks(bundle, provider=ExecutionProvider.CPU, threads=1)
    judged = read_volume(volume, bundle, networks)
    return ShownReading(volume, judged.reading, judged.triage, "0.1.0")


@pytest.fixture(scope="module")
def outlined(head: Volume, tmp_path_factory: pytest.TempPathFactory) -> ShownReading:
    """Brain and bleedings, by masks."""
    return shown_by(write_patch_segmenter(tmp_path_factory.mktemp("bundles")), head)


@pytest.fixture(scope="module")
def scored(head: Volume, tmp_path_factory: pytest.TempPathFactory) -> ShownReading:
    """Scores of slices and heat maps, without a region."""
    return shown_by(write_slice_scorer(tmp_path_factory.mktemp("bundles")), head)


def near(picture: Image.Image, colour: tuple[int, int, int]) -> NDArray[np.bool_]:
    difference = np.asarray(picture).astype(int) - colour
    return np.asarray(np.abs(difference).max(axis=-1) < 24)


def changed(shown: ShownReading, **fields: Any) -> ShownReading:
    return replace(shown, reading=replace(shown.reading, **fields))


def negative(shown: ShownReading) -> ShownReading:
    """The same regions, and nothing claimed of them."""
    findings = tuple(replace(one, presence=Presence.ABSENT) for one in shown.reading.findings)
    return changed(shown, outcome=Outcome.NO_FINDINGS, findings=findings)


def test_a_head_is_drawn_with_its_outlines_and_says_what_is_suspected(
    outlined: ShownReading,
) -> None:
    """Brain and bleeding in the colours that the bundle declares; the window too."""
    picture = render_key_picture(outlined)
    assert picture.width == WIDTH_PX
    assert near(picture, BRAIN).sum() > 100
    assert near(picture, BLEEDING).sum() > 100
    assert AxialStack.of(outlined).window_hu == (40.0, 80.0)
    other = changed(outlined, report=replace(outlined.reading.report, window_hu=None))
    assert AxialStack.of(other).window_hu == SOFT_TISSUE_HU
    assert not np.array_equal(np.asarray(render_key_picture(other)), np.asarray(picture))


@pytest.mark.parametrize("language", Language)
def test_a_reading_without_regions_is_drawn(scored: ShownReading, language: Language) -> None:
    """Slices with the highest scores, where the network looked, and no legend of outlines."""
    shown = replace(scored, language=language)
    assert shown.can_be_shown
    stack = AxialStack.of(shown)
    highest = list(scored.reading.key_slices)
    assert stack.key == highest[0]
    heated = render_key_picture(shown, heat=True)
    assert not np.array_equal(np.asarray(heated), np.asarray(render_key_picture(shown)))


def test_nothing_is_outlined_that_is_not_claimed(outlined: ShownReading) -> None:
    """Nor has the table a column of findings, nor anything an outline that was refused."""
    without = negative(outlined)
    assert not near(render_key_picture(without), BLEEDING).any()
    assert all(not one.of_findings for one in shown_table(without.reading).columns)
    reading = replace(outlined.reading, outcome=Outcome.NOT_ASSESSABLE)
    refused = replace(outlined, reading=reading, triage=None)
    assert refused.can_be_shown
    picture = render_key_picture(refused)
    assert not near(picture, BLEEDING).any()
    assert not near(picture, BRAIN).any()


def test_of_several_findings_only_those_that_are_claimed_are_outlined(
    outlined: ShownReading,
) -> None:
    """One that is absent beside one that is suspected has no line."""
    (bleeding,) = outlined.reading.findings
    (region,) = outlined.findings
    other = replace(region, name="Fracture")
    absent = replace(bleeding, key="fracture", presence=Presence.ABSENT, regions=("Fracture",))
    shown = changed(
        outlined,
        findings=(bleeding, absent),
        regions=(*outlined.reading.regions, other),
    )
    assert [one.name for one in shown.outlined] == ["Brain", "Hemorrhage"]


def test_the_frame_holds_what_is_to_be_seen(outlined: ShownReading) -> None:
    """The anatomy; without it what lies around the findings; without these the body."""
    stack = AxialStack.of(outlined)
    alone = changed(outlined, regions=tuple(outlined.findings))
    body = AxialStack.of(changed(outlined, regions=()))
    assert not alone.anatomy
    whole, around, all_of_it = Frame.of(stack), Frame.of(AxialStack.of(alone)), Frame.of(body)
    rows, columns = body_box(stack.volume)
    assert all_of_it.width_mm == pytest.approx((columns.stop - columns.start) * 2.4 + 28)
    assert all_of_it.height_mm == pytest.approx((rows.stop - rows.start) * 2.4 + 28)
    assert around.width_mm <= all_of_it.width_mm
    assert whole.width_mm > 100


def test_a_body_on_a_table_is_framed_without_the_table() -> None:
    """The table is wider than the patient, and thin."""
    hounsfield = np.full((6, 120, 160), -1000.0, np.float32)
    hounsfield[:, 30:80, 60:110] = 40.0
    hounsfield[:, 84:87, 5:155] = 100.0
    affine = np.array([[0, 0, 2, 0], [0, 2, 0, 0], [5, 0, 0, 0], [0, 0, 0, 1]], float)
    rows, columns = body_box(Volume(hounsfield, affine))
    assert abs(rows.start - 30) <= 4
    assert abs(rows.stop - 80) <= 4
    assert abs(columns.start - 60) <= 4
    assert abs(columns.stop - 110) <= 4


def test_lines_of_findings_differ_until_they_come_round(outlined: ShownReading) -> None:
    """Colour and pattern; anatomy is dotted."""
    (region,) = outlined.findings
    many = [replace(region, name=f"Finding {number}") for number in range(5)]
    styles = line_styles([*outlined.anatomy, *many])
    patterns = [(styles[one.name].dash_px, styles[one.name].gap_px) for one in many]
    assert len(set(patterns[:4])) == 4
    assert patterns[4] == patterns[0] == (8.0, 4.0)
    assert patterns[1] == (0.0, 0.0)
    assert styles["Brain"].dash_px == 2.0


def test_many_regions_and_rows_have_room(outlined: ShownReading) -> None:
    """A legend of several rows; rows of the table that are not shown are counted."""
    regions = tuple(_named(outlined.anatomy[0], number) for number in range(30))
    table = outlined.reading.table
    rows = tuple(replace(table.rows[0], title=f"Organ {number}") for number in range(60))
    full = changed(outlined, regions=regions, table=replace(table, rows=rows))
    usual, high = render_key_picture(outlined), render_key_picture(full)
    assert high.height > usual.height + 100
    assert FigureTable.of(full).share == 1.0
    assert np.array_equal(np.asarray(high)[-42:], np.asarray(usual)[-42:])


def _named(region: Region, number: int) -> Region:
    name = f"Organ number {number}"
    return replace(region, name=name, kind=replace(region.kind, value=str(number), meaning=name))


def test_table_and_remarks_are_those_of_the_measurements(outlined: ShownReading) -> None:
    """A row for each thing that is measured; the rule that decides, with what it saw."""
    reading = outlined.reading
    table = shown_table(reading)
    assert [one.title for one in table.rows] == ["Hemorrhage", "Brain"]
    titles = [one.title for one in table.columns]
    assert titles[0] == "Volume"
    group = reading.group("Hemorrhage")
    assert group is not None
    assert table.rows[0].cells[0] == group.measurements[0].value
    (said,) = (one for one, _ in statements(outlined) if one.title == "Rule that decides")
    assert [line[0] for line in said.lines] == ["bleeding seen", "large bleeding"]
    for (_, told), limit in zip(said.lines, ("at least 0.2 ml", "at least 2 ml"), strict=True):
        assert re.fullmatch(rf"volume of Hemorrhage \d+\.\d+ ml, limit: {limit}", told)


@pytest.fixture(scope="module")
def context(outlined: ShownReading, tmp_path_factory: pytest.TempPathFactory) -> ResultContext:
    """The head as a study with headers."""
    phantom = make_head_phantom(grid=GRID, bleedings=BLEEDINGS)
    files = write_head_study(phantom, tmp_path_factory.mktemp("study"))
    headers = [dcmread(path, stop_before_pixels=True) for path in files]
    return in_headers(outlined, headers)


def in_headers(shown: ShownReading, headers: Sequence[Dataset]) -> ResultContext:
    ordered = sorted(headers, key=lambda one: float(one.ImagePositionPatient[2]))
    frames = tuple(SourceFrame(str(one.SOPInstanceUID)) for one in ordered)
    return ResultContext(
        volume=replace(shown.volume, frames=frames),
        reading=shown.reading,
        triage=shown.triage,
        software_version="0.1.0",
        headers=headers,
        content_datetime=WHEN,
    )


def test_its_objects_are_those_of_any_result(context: ResultContext, tmp_path: Path) -> None:
    """Segmentation, report and picture, proved against the source; the body part is the source's.

    The secondary capture is valid.
    """
    made = encode_results(context)
    assert [one.kind.value for one in made] == ["SEG", "SR", "SC"]
    prove_objects(context, made, [bytes_of(one) for one in made])
    capture = made[-1].dataset
    assert capture.BodyPartExamined == "HEAD"
    capture.save_as(tmp_path / "capture.dcm", enforce_file_format=True)
    assert not dciodvfy(tmp_path / "capture.dcm", work_folder=tmp_path).errors


def test_the_report_names_the_rule_and_what_it_saw(context: ResultContext) -> None:
    """Rule, measurement, amount and limit, both with the unit; the unit in codes stays UCUM."""
    (report,) = (one.dataset for one in encode_results(context) if one.kind.value == "SR")
    texts = [str(one.value) for one in report.iterall() if one.keyword == "TextValue"]
    (said,) = (one for one in texts if one.startswith("bleeding seen: suspected: "))
    assert re.search(r"volume of Hemorrhage \d+\.\d+ ml, limit: at least 0\.2 ml$", said)
    units = {
        str(item.CodeValue)
        for element in report.iterall()
        if element.keyword == "MeasurementUnitsCodeSequence"
        for item in element.value
    }
    assert "[hnsf'U]" in units


def test_a_body_part_that_nobody_states_is_left_out(context: ResultContext) -> None:
    """Type 3: better none than a guess; a bundle that names one is believed."""
    headers = [Dataset(one) for one in context.headers]
    for one in headers:
        del one.BodyPartExamined
    without = replace(context, headers=headers)
    picture = render_key_picture(without)
    assert "BodyPartExamined" not in encode_secondary_capture(without, picture)
    report = replace(context.reading.report, body_part="BRAIN")
    named = replace(context, reading=replace(context.reading, report=report))
    assert encode_secondary_capture(named, picture).BodyPartExamined == "BRAIN"


def test_scores_alone_are_reported_of_the_key_slice(
    scored: ShownReading, context: ResultContext
) -> None:
    """The only place that such a report can honestly name is the whole slice: its edge."""
    made = encode_results(in_headers(scored, list(context.headers)))
    assert [one.kind.value for one in made] == ["SR", "SC"]
    rows, columns = scored.volume.shape[1:]
    drawn = [
        [float(one) for one in element.value]
        for element in made[0].dataset.iterall()
        if element.keyword == "GraphicData"
    ]
    assert drawn
    for points in drawn:
        assert (min(points), max(points[::2]), max(points[1::2])) == (
            0.5,
            columns - 0.5,
            rows - 0.5,
        )


def test_kept_slices_say_what_their_labels_are(outlined: ShownReading, tmp_path: Path) -> None:
    """Brain 1, bleeding 2, as the key picture outlines them."""
    path = keep_slices(tmp_path, "1.2.3/picture", outlined)
    assert path is not None
    with zipfile.ZipFile(tmp_path / path) as archive:
        index = json.loads(archive.read(INDEX))
        shape = (index["rows"], index["columns"])
        labels = [
            unpack_labels(archive.read(labels_entry(one)), shape) for one in range(index["slices"])
        ]
    assert [(one["label"], one["name"]) for one in index["regions"]] == [
        (1, "Brain"),
        (2, "Hemorrhage"),
    ]
    assert index["regions"][1]["colour"] == "#e69f00"
    (region,) = outlined.findings
    voxels = sum(np.count_nonzero(region.mask(at)) for at in range(outlined.volume.shape[0]))
    assert sum(np.count_nonzero(one == 2) for one in labels) == voxels
