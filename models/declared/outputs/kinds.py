"""The network outputs of a schema 3 bundle: masks, scores, heat maps, boxes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from radiology.codes import Code

Colour = tuple[int, int, int]


class OutputKind(StrEnum):
    """What an output is."""

    MASK = "mask"
    STUDY_SCORE = "study-score"
    SLICE_SCORE = "slice-score"
    HEAT_MAP = "heat-map"
    BOX = "box"


class Activation(StrEnum):
    """What makes probabilities of a network's numbers."""

    NONE = "none"  # they are probabilities
    SIGMOID = "sigmoid"
    SOFTMAX = "softmax"


class Combination(StrEnum):
    """How the scores of slices or patches become one of the study."""

    MAXIMUM = "maximum"
    MEAN = "mean"
    MEAN_OF_HIGHEST = "mean-of-highest"


class RegionKind(StrEnum):
    """Whether a region is a part of the body or something found in it."""

    ANATOMY = "anatomy"
    FINDING = "finding"


class Laterality(StrEnum):
    """The side of a region."""

    RIGHT = "right"
    LEFT = "left"
    BILATERAL = "bilateral"


class BoxOrder(StrEnum):
    """In which order a network gives the edges of a box."""

    ROWS_FIRST = "y1x1y2x2"
    COLUMNS_FIRST = "x1y1x2y2"


class CalibrationKind(StrEnum):
    """How a score is made a probability that holds."""

    TEMPERATURE = "temperature"
    PLATT = "platt"
    POINTS = "points"


@dataclass(frozen=True, slots=True)
class ScoreCalibration:
    """From a score to a probability that holds.

    Attributes
    ----------
    slope, intercept : of the logit; a temperature t is a slope of 1 / t
    given, meant : of "points": scores, rising, and their probabilities; linear between
    """

    kind: CalibrationKind
    slope: float = 1.0
    intercept: float = 0.0
    given: tuple[float, ...] = ()
    meant: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Appearance:
    """What a region is, and how it is drawn."""

    kind: RegionKind
    code: Code
    site: Code | None
    laterality: Laterality | None
    colour: Colour


@dataclass(frozen=True, slots=True)
class MaskClass:
    """One class of a mask output.

    Attributes
    ----------
    appearance : None for what is nothing: the background
    threshold : on its probability; None where the most probable class wins
    """

    name: str
    appearance: Appearance | None
    threshold: float | None


@dataclass(frozen=True, slots=True)
class OutputTensor:
    """Where an output comes from: a tensor of a network, and what makes probabilities of it."""

    name: str
    network: str
    tensor: str
    activation: Activation


@dataclass(frozen=True, slots=True)
class MaskOutput:
    """A probability for each class at each voxel: (n, classes, …) on the grid of the input."""

    answer: OutputTensor
    classes: tuple[MaskClass, ...]

    @property
    def exclusive(self) -> bool:
        """Whether a voxel belongs to one class at most."""
        shared_out = self.answer.activation is Activation.SOFTMAX
        return shared_out or any(one.appearance is None for one in self.classes)


@dataclass(frozen=True, slots=True)
class ScoreOutput:
    """One column of (n, columns): a score of each slice or patch, and of the study.

    Attributes
    ----------
    combination, highest : None and 0 for a slice score; of how many is the mean of the highest
    """

    answer: OutputTensor
    column: int
    concept: Code | None
    calibration: ScoreCalibration | None
    combination: Combination | None = None
    highest: int = 0


@dataclass(frozen=True, slots=True)
class HeatMapOutput:
    """Where a network looked: (n, cell rows, cell columns), or with a channel before the rows."""

    answer: OutputTensor
    column: int


@dataclass(frozen=True, slots=True)
class BoxOutput:
    """Boxes (n, boxes, 4; of patches 6) in input pixels, and scores (n, boxes).

    Attributes
    ----------
    most_overlap : intersection over union; of boxes that overlap more the better one stays
    """

    answer: OutputTensor
    scores: str
    order: BoxOrder
    threshold: float
    most_overlap: float
    appearance: Appearance


Output = MaskOutput | ScoreOutput | HeatMapOutput | BoxOutput


@dataclass(frozen=True)
class Outputs:
    """The outputs of a bundle by name, each kind for itself."""

    masks: Mapping[str, MaskOutput]
    study_scores: Mapping[str, ScoreOutput]
    slice_scores: Mapping[str, ScoreOutput]
    heat_maps: Mapping[str, HeatMapOutput]
    boxes: Mapping[str, BoxOutput]

    @property
    def all(self) -> tuple[Output, ...]:
        """Every output."""
        kinds = (self.masks, self.study_scores, self.slice_scores, self.heat_maps, self.boxes)
        return tuple(one for kind in kinds for one in kind.values())

    @property
    def regions(self) -> dict[str, Appearance]:
        """What findings and measurements may name: "output.class" of masks, "output" of boxes."""
        found = {
            f"{name}.{class_.name}": class_.appearance
            for name, mask in self.masks.items()
            for class_ in mask.classes
            if class_.appearance is not None
        }
        return found | {name: box.appearance for name, box in self.boxes.items()}


def region_names(regions: Mapping[str, Appearance]) -> dict[str, str]:
    """What a viewer lists of each region: its meaning, with the class where two share one."""
    titles = {name: _title(one) for name, one in regions.items()}
    shared = [*titles.values()]
    return {
        name: title if shared.count(title) == 1 else f"{title} ({name})"
        for name, title in titles.items()
    }


def _title(one: Appearance) -> str:
    return one.code.meaning if one.laterality is None else f"{one.code.meaning}, {one.laterality}"
