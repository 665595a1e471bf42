"""The report for programs: each segment has its figures, and the tools of research read them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from highdicom.seg import Segmentation, SegmentDescription
from highdicom.sr import MeasurementReport, srread
from pydicom import Dataset
from pydicom.uid import JPEGLSLossless

from chest.answer.regions import drawn_regions
from chest.values.figures import Side
from radiology.encoding_profile import EncodingChoice, EncodingProfile
from tests.peers.dicom.dcmqi import read_report
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.dicom3tools import dciodvfy
from tests.unit.worker.encode.encoded_chest import (
    ENHANCED,
    Chest,
    ChestContext,
)
from tests.unit.worker.encode.full_reading import full_context, fully_encoded, fully_segmented
from tests.unit.worker.encode.report_content import comments, groups_of, of_type
from worker.encode import (
    DISCLAIMER,
    EarlierReport,
    EarlierReports,
    EncodedKind,
    encode_quantification_report,
    encode_results,
    plan_results,
)
from worker.encode.derived_object import series_and_equipment
from worker.encode.segmentation.voxels import segment_voxels


def made(enhanced: bool = False) -> tuple[ChestContext, Dataset, Dataset]:
    context = full_context(chest=Chest(enhanced=enhanced))
    segmentation = fully_segmented(enhanced)
    return context, segmentation, encode_quantification_report(context, segmentation)


@ENHANCED
def test_the_voxels_of_each_segment_are_those_of_the_reading(enhanced: bool) -> None:
    """Read back from the encoded bits, on the slices that the frames name."""
    context, segmentation, _ = made(enhanced)
    measured = segment_voxels(context, segmentation)
    drawn = drawn_regions(context.regions)
    for segment, ours in zip(segmentation.SegmentSequence, drawn, strict=True):
        voxels = measured[int(segment.SegmentNumber)]
        masks = np.stack([ours.mask(index) for index in range(context.volume.shape[0])])
        assert voxels.count == np.count_nonzero(masks)
        assert voxels.slices == np.count_nonzero(masks.any(axis=(1, 2)))
        assert voxels.mean_hu == pytest.approx(float(context.volume.hounsfield[masks].mean()))


@ENHANCED
def test_each_group_refers_to_one_segment_of_the_one_segmentation(enhanced: bool) -> None:
    """What Slicer asks for: one SEG, in the evidence, and a segment for each group."""
    _, segmentation, report = made(enhanced)
    assert report.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    numbers = []
    for group in groups_of(report).values():
        (reference,) = [
            one.ReferencedSOPSequence[0]
            for one in group.ContentSequence
            if one.ValueType == "IMAGE"
            and "ReferencedSegmentNumber" in one.ReferencedSOPSequence[0]
        ]
        assert reference.ReferencedSOPInstanceUID == segmentation.SOPInstanceUID
        numbers.append(int(reference.ReferencedSegmentNumber))
    assert numbers == [int(one.SegmentNumber) for one in segmentation.SegmentSequence]
    (study,) = report.CurrentRequestedProcedureEvidenceSequence
    series = {one.SeriesInstanceUID for one in study.ReferencedSeriesSequence}
    assert segmentation.SeriesInstanceUID in series


def test_dcmqi_reads_the_figures(tmp_path: Path) -> None:
    """tid1500reader gives every figure with the segment that it is of."""
    context, _, report = made()
    path = tmp_path / "sr.dcm"
    report.save_as(path, enforce_file_format=True)
    content, _ = read_report(path, work_folder=tmp_path)
    read = {one["TrackingIdentifier"]: one for one in content["Measurements"]}
    assert set(read) == {"Right lung", "Left lung", "Ground glass opacity", "Consolidation"}
    assert [one["ReferencedSegment"] for one in read.values()] == [1, 2, 3, 4]
    right = {
        item["quantity"]["CodeMeaning"]: float(item["value"])
        for item in read["Right lung"]["measurementItems"]
    }
    figures = context.chest.figures[Side.RIGHT]
    assert right["Volume"] == round(figures.lung_volume_ml, 2)
    assert right["Lesion share of lung"] == round(figures.lesion_share_percent, 2)
    ground_glass = read["Ground glass opacity"]["measurementItems"]
    total = context.chest.figures[Side.TOTAL].ground_glass_ml
    assert float(ground_glass[0]["value"]) == pytest.approx(total, abs=0.01)


@ENHANCED
def test_validators_and_readers_take_it(enhanced: bool, tmp_path: Path, dcmtk: Dcmtk) -> None:
    """dciodvfy finds no error, dcmtk reads the tree, highdicom finds every group."""
    _, segmentation, report = made(enhanced)
    path = tmp_path / "sr.dcm"
    report.save_as(path, enforce_file_format=True)
    assert not dciodvfy(path, work_folder=tmp_path).errors
    assert "Referenced Segment" in dcmtk.dsrdump(path)
    content = srread(path).content
    assert isinstance(content, MeasurementReport)
    groups = content.get_volumetric_roi_measurement_groups()
    assert len(groups) == len(segmentation.SegmentSequence)


def test_it_has_a_series_of_its_own_and_the_same_uids_every_time() -> None:
    """OHIF takes the last report of a series; each form of the segmentation has its report."""
    context, segmentation, report = made()
    viewer = fully_encoded()["SR"]
    assert report.SeriesInstanceUID != viewer.SeriesInstanceUID
    assert report.SeriesNumber != viewer.SeriesNumber
    assert encode_quantification_report(context, segmentation) == report
    other = Dataset()
    other.update(segmentation)
    other.file_meta = segmentation.file_meta
    other.SOPInstanceUID = "1.2.3.9"
    assert encode_quantification_report(context, other).SOPInstanceUID != report.SOPInstanceUID


def test_it_names_the_report_of_its_own_form_that_it_supersedes() -> None:
    """PS3.3 C.17.2.2; a version whose earlier one had no such report names none."""
    context = full_context()
    recipes = plan_results(context, EncodingChoice(EncodingProfile.MACHINE))
    (machine,) = (one for one in recipes if one.word.startswith("SR:machine"))
    before = EarlierReport(context.source.study_instance_uid, "1.2.3.7", "1.2.3.8")
    superseding = replace(context, earlier_reports=EarlierReports(None, {machine.word: before}))
    (made,) = encode_results(superseding, [machine])
    (study,) = made.dataset.PredecessorDocumentsSequence
    named = study.ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
    assert named.ReferencedSOPInstanceUID == "1.2.3.8"
    (first,) = encode_results(context, [machine])
    assert "PredecessorDocumentsSequence" not in first.dataset


def test_a_segment_with_a_lobe_s_name_has_the_lobe_s_figures() -> None:
    """A segmentation with lobes gives figures per lobe, with the codes that it carries."""
    context, segmentation, _ = made()
    renamed = Dataset()
    renamed.update(segmentation)
    renamed.file_meta = segmentation.file_meta
    first = Dataset()
    first.update(segmentation.SegmentSequence[0])
    first.SegmentLabel = "Right lower lobe"
    renamed.SegmentSequence = [first, *segmentation.SegmentSequence[1:]]
    group = groups_of(encode_quantification_report(context, renamed))["Right lower lobe"]
    read = {
        item.ConceptNameCodeSequence[0].CodeMeaning: float(
            item.MeasuredValueSequence[0].NumericValue
        )
        for item in of_type(group, "NUM")
    }
    (lobe,) = [
        one for one in context.chest.territories if one.territory.value == "right lower lobe"
    ]
    assert read["Lesion share of lobe"] == round(lobe.lesion_share_percent, 2)


def test_lesions_of_a_label_map_are_measured_too() -> None:
    """A label map gives each voxel one number; the lesions keep theirs."""
    context = full_context()
    labelmap = _labelmap(context, fully_segmented())
    binary = segment_voxels(context, fully_segmented())
    read = segment_voxels(context, labelmap)
    assert read[3].count == binary[3].count
    assert read[4].mean_hu == pytest.approx(binary[4].mean_hu)
    assert read[1].count < binary[1].count  # without its lesions
    report = encode_quantification_report(context, labelmap)
    group = groups_of(report)["Right lung"]
    volume = of_type(group, "NUM")[0].MeasuredValueSequence[0].NumericValue
    assert float(volume) == round(context.chest.figures[Side.RIGHT].lung_volume_ml, 2)


def _labelmap(context: ChestContext, binary: Dataset) -> Dataset:
    regions = context.regions
    values = np.where(regions.lesions > 0, regions.lesions + 2, regions.lungs).astype(np.uint8)
    sources = []
    for header in context.headers:
        source = Dataset()
        source.update(header)
        for keyword in ("PatientName", "ReferringPhysicianName"):
            setattr(source, keyword, "")
        source.SliceThickness = 10
        sources.append(source)
    made = Segmentation(
        source_images=sources,
        pixel_array=values,
        segmentation_type="LABELMAP",
        segment_descriptions=[
            SegmentDescription.from_dataset(one) for one in binary.SegmentSequence
        ],
        transfer_syntax_uid=JPEGLSLossless,
        **series_and_equipment(context, EncodedKind.SEG),
    )
    return plain(made)


def plain(made: Segmentation) -> Dataset:
    """As a plain data set, as `encode_segmentation` gives one."""
    dataset = Dataset()
    dataset.update(made)
    dataset.file_meta = made.file_meta
    return dataset


def test_the_disclaimer_and_the_algorithm_stand_in_it() -> None:
    """Whoever opens it with a program for research sees that no person made it."""
    context, _, report = made()
    assert comments(report)[0] == DISCLAIMER
    assert context.algorithm.bundle_digest in report.SoftwareVersions
