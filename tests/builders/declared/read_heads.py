"""Small made heads, read by a bundle of schema 3, as pictures and objects are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pydicom import Dataset

from models.declared_bundle import read_declared_bundle
from models.read_volume import read_volume
from models.run.declared_network import load_networks
from phantom.head import Bleeding, BleedingLabel, HeadPhantom, head_grid, make_head_phantom
from radiology.algorithm import ExecutionProvider
from radiology.image.volume import SourceFrame, Volume
from tests.unit.worker.encode.encoded_chest import WHEN
from worker.encode import ResultContext, ShownReading

GRID = head_grid((24, 96, 96), (6.0, 2.4, 2.4))
BLEEDINGS = (Bleeding(BleedingLabel.INTRAPARENCHYMAL, 30.0),)


def small_head() -> HeadPhantom:
    """A head with a bleeding of 30 ml."""
    return make_head_phantom(grid=GRID, bleedings=BLEEDINGS)


def shown_by(folder: Path, volume: Volume) -> ShownReading:
    """A volume as a bundle reads it, for its pictures."""
    bundle = read_declared_bundle(folder)
    networks = load_networks(bundle, provider=ExecutionProvider.CPU, threads=1)
    judged = read_volume(volume, bundle, networks)
    return ShownReading(volume, judged.reading, judged.triage, "0.1.0")


def in_headers(shown: ShownReading, headers: Sequence[Dataset]) -> ResultContext:
    """The same as a study with headers, for its objects."""
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
