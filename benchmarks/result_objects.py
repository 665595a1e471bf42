"""Encode and send the default profile of one study, against other ways to write its segmentation.

The others are highdicom with its defaults, given the masks as an array, and dcmqi's
``itkimage2segimage``, given them as files; the same masks, on the same slices, in the same run.
"""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from highdicom.seg import Segmentation
from rich.console import Console
from rich.table import Table

from firstread.send import send_folder
from tests.builders.chest.analysed_phantom import AnalysedStudy, analysed_phantom
from tests.builders.dicom.stored_study import part_10
from tests.peers.dicom.dcmqi import read_segments, run_dcmqi
from tests.peers.dicom.orthanc import start_orthanc
from worker.encode import (
    EncodedKind,
    encode_measurement_report,
    encode_secondary_capture,
    encode_segmentation,
    render_key_picture,
)

_MEGABYTE = 1e6


def measure_result_objects(
    console: Console, folder: Path, *, slices: int, runs: int
) -> dict[str, Any]:
    """Time each object, each other writer and the sending; seconds are medians of `runs`."""
    folder = folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    results = folder / "results"
    results.mkdir(parents=True)
    console.print(f"Making a study of {slices} slices with findings")
    study = analysed_phantom("positive", folder / "source", shape=(slices, 512, 512))
    context = study.context
    segmentation = encode_segmentation(context)
    assert segmentation is not None
    (results / "SEG.dcm").write_bytes(part_10(segmentation))
    read_segments(results / "SEG.dcm", work_folder=folder)  # the masks as files, for dcmqi
    ways: dict[str, Callable[[], bytes]] = {
        # A context of its own: what it counts of the masks belongs to the time.
        "SEG": lambda: part_10(_made(encode_segmentation(replace(context)))),
        "SR": lambda: part_10(_made(encode_measurement_report(context, segmentation=segmentation))),
        "SC": lambda: part_10(encode_secondary_capture(context, render_key_picture(context))),
        "SEG by highdicom": lambda: part_10(_by_highdicom(study)),
        "SEG by dcmqi": lambda: _by_dcmqi(study, folder),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    sizes: dict[str, int] = {}
    for _ in range(runs):  # in turn, so that what else the machine does meets all alike
        for name, way in ways.items():
            began = time.monotonic()
            content = way()
            seconds[name].append(time.monotonic() - began)
            sizes[name] = len(content)
            if name in ("SR", "SC"):
                (results / f"{name}.dcm").write_bytes(content)
    seconds["send"] = [_send(results, folder / f"pacs-{run}") for run in range(runs)]
    median = {name: statistics.median(values) for name, values in seconds.items()}
    _print(console, median, sizes)
    return {
        "slices": slices,
        "seconds": median,
        "bytes": sizes,
        "ratio_to_highdicom": median["SEG"] / median["SEG by highdicom"],
        "ratio_to_dcmqi": median["SEG"] / median["SEG by dcmqi"],
    }


def _made(dataset: Any) -> Any:
    assert dataset is not None
    return dataset


def _by_highdicom(study: AnalysedStudy) -> Segmentation:
    """What its documentation shows: source images, an array with an axis for the segments."""
    context = study.context
    masks = np.stack(
        [
            np.stack([region.mask(index) for region in context.findings], axis=-1)
            for index in range(context.volume.shape[0])
        ]
    )
    ours = Segmentation.from_dataset(study.object(EncodedKind.SEG))
    return Segmentation(
        source_images=context.headers,
        pixel_array=masks,
        segmentation_type="BINARY",
        segment_descriptions=ours.SegmentSequence,
        series_instance_uid=context.uid("benchmark", "series"),
        series_number=1,
        sop_instance_uid=context.uid("benchmark", "instance"),
        instance_number=1,
        manufacturer="Firstread",
        manufacturer_model_name="benchmark",
        software_versions="1",
        device_serial_number="1",
    )


def _by_dcmqi(study: AnalysedStudy, folder: Path) -> bytes:
    segments = folder / "segments"
    written = folder / "dcmqi.dcm"
    images = sorted(segments.glob("*.nrrd"))
    run_dcmqi(
        "itkimage2segimage",
        [
            *("--inputImageList", ",".join(map(str, images))),
            *("--inputDICOMDirectory", study.files[0].parent),
            *("--inputMetadata", next(segments.glob("*meta.json"))),
            *("--outputDICOM", written),
        ],
        timeout_s=600.0,
    )
    return written.read_bytes()


def _send(results: Path, folder: Path) -> float:
    """Seconds until an empty Orthanc has answered for every object."""
    pacs = start_orthanc(folder)
    try:
        began = time.monotonic()
        send_folder(
            results,
            host=pacs.host,
            port=pacs.dicom_port,
            called_ae_title=pacs.ae_title,
            calling_ae_title="FIRSTREAD",
        )
        return time.monotonic() - began
    finally:
        pacs.process.stop()


def _print(console: Console, median: dict[str, float], sizes: dict[str, int]) -> None:
    table = Table("Object", "Median, s", "MB")
    for name, value in median.items():
        size = f"{sizes[name] / _MEGABYTE:.2f}" if name in sizes else ""
        table.add_row(name, f"{value:.2f}", size)
    console.print(table)
    for other in ("SEG by highdicom", "SEG by dcmqi"):
        console.print(f"Our SEG took {median['SEG'] / median[other]:.2f} times the {other}")
