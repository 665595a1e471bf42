"""What a bundle declares of its networks: their files, what they are fed, what they answer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from models.declared.table import Table
from models.view import CHANNELS
from radiology.chest.sign import Sign
from radiology.errors import BundleRejected

LUNG_CLASSES = ("background", "right", "left")
LESION_CLASSES = ("none", "ground_glass", "consolidation")
HEAT_STEP = 8  # pixels of the view that share one cell of the heat map

_AXES = ("slice", "channel", "row", "column")


class Precision(StrEnum):
    """How a network's weights are stored and multiplied."""

    FLOAT32 = "float32"
    INT8 = "int8"


@dataclass(frozen=True)
class NetworkFiles:
    """One network, as one or two files.

    Attributes
    ----------
    on_cpu : which of them a CPU runs; a GPU always runs float32
    """

    float32: Path
    int8: Path | None
    on_cpu: Precision

    def path(self, precision: Precision) -> Path:
        """The file of a precision.

        Raises
        ------
        BundleRejected
            The network was not released in it.
        """
        path = self.float32 if precision is Precision.FLOAT32 else self.int8
        if path is None:
            raise BundleRejected("The network was not released in this precision", wanted=precision)
        return path

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """Those that it was released in."""
        return (Precision.FLOAT32,) if self.int8 is None else tuple(Precision)


@dataclass(frozen=True)
class Networks:
    """The networks of a bundle; one without a classifier only segments."""

    segmentation: NetworkFiles
    classification: NetworkFiles | None


@dataclass(frozen=True)
class InputGrid:
    """What the segmentation network is fed: square axial patches, HU mapped linearly to 0…1.

    Attributes
    ----------
    name : of the ONNX input
    size : rows and columns of a patch; rows run to the back, columns to the patient's left
    """

    name: str
    size: int
    window_low_hu: float
    window_high_hu: float


@dataclass(frozen=True)
class Output:
    """One ONNX output: a probability for each class at each pixel.

    Attributes
    ----------
    kind : "lung" or "lesion"
    threshold : on the probability of any class but the first
    """

    name: str
    kind: str
    classes: tuple[str, ...]
    threshold: float


@dataclass(frozen=True)
class Classification:
    """What the classifier is fed (`models.view`) and what it answers.

    Attributes
    ----------
    name : of the ONNX input, shape (n, 5, size, size)
    viral : output, shape (n, members), a calibrated probability from each member of the ensemble
    signs : output, shape (n, 5), calibrated, in the order of `sign_thresholds`
    heat : output, shape (n, size / 8, size / 8), 0…1: where it looked
    viral_threshold : for a single slice
    """

    name: str
    size: int
    margin: float
    viral: str
    signs: str
    heat: str
    viral_threshold: float
    sign_thresholds: dict[Sign, float]


def _listed(folder: Path, name: str, listed: Collection[str]) -> Path:
    if name not in listed:
        raise BundleRejected("The network is not among the listed files", file=name)
    return folder / name


def read_network_files(table: Table, folder: Path, listed: Collection[str]) -> NetworkFiles:
    """Read one entry of `networks`."""
    float32 = _listed(folder, table.text("float32"), listed)
    int8 = _listed(folder, table.text("int8"), listed) if table.has("int8") else None
    on_cpu = table.text("on_cpu")
    if on_cpu not in set(Precision) or (on_cpu == Precision.INT8 and int8 is None):
        raise BundleRejected("on_cpu is no precision that the network was released in")
    table.close()
    return NetworkFiles(float32, int8, Precision(on_cpu))


def read_grid(table: Table) -> InputGrid:
    """Read the segmentation network's input."""
    grid = InputGrid(
        name=table.text("name"),
        size=table.integer("size", 16, 4096),
        window_low_hu=table.number("window_low_hu", -4096, 4096),
        window_high_hu=table.number("window_high_hu", -4096, 4096),
    )
    if table.texts("axes") != _AXES:
        raise BundleRejected("The input's axes are not slice, channel, row, column")
    if grid.window_low_hu >= grid.window_high_hu:
        raise BundleRejected("The input's window is empty")
    table.close()
    return grid


def read_lung_and_lesion(table: Table) -> tuple[Output, Output]:
    """Read the segmentation network's outputs."""
    lung = _read_output(table.table("lung"), "lung", LUNG_CLASSES)
    lesion = _read_output(table.table("lesion"), "lesion", LESION_CLASSES)
    table.close()
    return lung, lesion


def _read_output(table: Table, kind: str, classes: tuple[str, ...]) -> Output:
    output = Output(
        name=table.text("name"),
        kind=kind,
        classes=table.texts("classes"),
        threshold=table.number("threshold", 0.0, 1.0),
    )
    if output.classes != classes:
        raise BundleRejected(f"The {kind} output's classes are not {', '.join(classes)}")
    table.close()
    return output


def read_classification(table: Table) -> Classification:
    """Read the classifier's input and outputs."""
    view, outputs = table.table("input"), table.table("outputs")
    if view.texts("axes") != _AXES:
        raise BundleRejected("The view's axes are not slice, channel, row, column")
    if view.texts("channels") != CHANNELS:
        raise BundleRejected(f"The view's channels are not {', '.join(CHANNELS)}")
    if outputs.texts("sign_classes") != tuple(Sign):
        raise BundleRejected(f"The classifier's signs are not {', '.join(Sign)}")
    thresholds = outputs.numbers("sign_thresholds", 0.0, 1.0)
    if len(thresholds) != len(Sign):
        raise BundleRejected("There is not one threshold for each sign")
    declared = Classification(
        name=view.text("name"),
        size=view.integer("size", HEAT_STEP, 1024),
        margin=view.number("margin", 0.0, 1.0),
        viral=outputs.text("viral"),
        signs=outputs.text("signs"),
        heat=outputs.text("heat"),
        viral_threshold=outputs.number("viral_threshold", 0.0, 1.0),
        sign_thresholds=dict(zip(Sign, thresholds, strict=True)),
    )
    if declared.size % HEAT_STEP:
        raise BundleRejected(f"The view's size is not a multiple of {HEAT_STEP}")
    for used in (view, outputs, table):
        used.close()
    return declared
