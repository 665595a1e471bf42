"""What a bundle of schema 2 declares of its networks: what they are fed, what they answer."""

from __future__ import annotations

from dataclasses import dataclass

from models.declared.network_files import NetworkFiles
from models.declared.section import DeclarationTable, listing
from models.schema_2.sign import Sign
from models.schema_2.view import CHANNELS

LUNG_CLASSES = ("background", "right", "left")
LESION_CLASSES = ("none", "ground_glass", "consolidation")
HEAT_STEP = 8  # pixels of the view that share one cell of the heat map

_AXES = ("slice", "channel", "row", "column")
_OTHER_AXES = ("these are other axes", f"Write {listing(_AXES)}.")


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
    """What the classifier is fed (`models.schema_2.view`) and what it answers.

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


def read_grid(section: DeclarationTable) -> InputGrid:
    """Read the segmentation network's input."""
    grid = InputGrid(
        name=section.text("name"),
        size=section.integer("size", 16, 4096),
        window_low_hu=section.number("window_low_hu", -4096, 4096),
        window_high_hu=section.number("window_high_hu", -4096, 4096),
    )
    if section.texts("axes") != _AXES:
        raise section.problem("axes", *_OTHER_AXES)
    if grid.window_low_hu >= grid.window_high_hu:
        raise section.problem("window_low_hu", "the window is empty", "Write the lower limit here.")
    section.close()
    return grid


def read_lung_and_lesion(section: DeclarationTable) -> tuple[Output, Output]:
    """Read the segmentation network's outputs."""
    lung = _read_output(section.section("lung"), "lung", LUNG_CLASSES)
    lesion = _read_output(section.section("lesion"), "lesion", LESION_CLASSES)
    section.close()
    return lung, lesion


def _read_output(section: DeclarationTable, kind: str, classes: tuple[str, ...]) -> Output:
    output = Output(
        name=section.text("name"),
        kind=kind,
        classes=section.texts("classes"),
        threshold=section.number("threshold", 0.0, 1.0),
    )
    if output.classes != classes:
        raise section.problem("classes", "these are other classes", f"Write {listing(classes)}.")
    section.close()
    return output


def read_classification(section: DeclarationTable) -> Classification:
    """Read the classifier's input and outputs."""
    view, outputs = section.section("input"), section.section("outputs")
    if view.texts("axes") != _AXES:
        raise view.problem("axes", *_OTHER_AXES)
    if view.texts("channels") != CHANNELS:
        raise view.problem("channels", "these are other channels", f"Write {listing(CHANNELS)}.")
    if outputs.texts("sign_classes") != tuple(Sign):
        raise outputs.problem("sign_classes", "these are other signs", f"Write {listing(Sign)}.")
    thresholds = outputs.numbers("sign_thresholds", 0.0, 1.0, count=len(Sign))
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
        raise view.problem("size", f"{declared.size} is not a multiple of {HEAT_STEP}", "Use one.")
    for used in (view, outputs, section):
        used.close()
    return declared
