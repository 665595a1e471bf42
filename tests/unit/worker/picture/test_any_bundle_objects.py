"""The objects of bundles that are not of the chest, and the slices that are kept of them."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydicom import Dataset

from radiology.image.slice_stack import INDEX, labels_entry, unpack_labels
from tests.builders.declared.read_heads import in_headers
from tests.builders.stored.written import write_here
from tests.peers.dicom.dicom3tools import dciodvfy
from tests.unit.worker.encode.encoded_chest import prove
from worker.encode import (
    ResultContext,
    ShownReading,
    encode_results,
    encode_secondary_capture,
    render_key_picture,
)
from worker.keep.keep_slices import keep_slices, packed_slices


def test_its_objects_are_those_of_any_result(context: ResultContext, tmp_path: Path) -> None:
    """Segmentation, report and picture, proved against the source; the body part is the source's.

    The secondary capture is valid.
    """
    made = encode_results(context)
    assert [one.kind.value for one in made] == ["SEG", "SR", "SC"]
    prove(context, made)
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
    packed = packed_slices(outlined)
    assert packed is not None
    path = keep_slices(tmp_path, "1.2.3/picture", packed, write=write_here)
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
