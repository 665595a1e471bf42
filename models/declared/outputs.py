"""What the networks of a schema 3 bundle answer: masks, scores, heat maps, boxes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

from models.declared.codes import read_code, read_optional_code
from models.declared.inputs import NAME, InputKind, NetworkInput
from models.declared.section import Section, listing, nearest
from radiology.codes import Code

Colour = tuple[int, int, int]

_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")
_MOST_CLASSES: Final = 255  # a label map holds one byte for each voxel
_MOST_COLUMNS: Final = 4096


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


class Kind(StrEnum):
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
class Calibration:
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

    kind: Kind
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
class Answer:
    """Where an output comes from: a tensor of a network, and what makes probabilities of it."""

    name: str
    network: str
    tensor: str
    activation: Activation


@dataclass(frozen=True, slots=True)
class MaskOutput:
    """A probability for each class at each voxel: (n, classes, …) on the grid of the input."""

    answer: Answer
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

    answer: Answer
    column: int
    concept: Code | None
    calibration: Calibration | None
    combination: Combination | None = None
    highest: int = 0


@dataclass(frozen=True, slots=True)
class HeatMapOutput:
    """Where a network looked: (n, cell rows, cell columns), or with a channel before the rows."""

    answer: Answer
    column: int


@dataclass(frozen=True, slots=True)
class BoxOutput:
    """Boxes (n, boxes, 4; of patches 6) in input pixels, and scores (n, boxes).

    Attributes
    ----------
    most_overlap : intersection over union; of boxes that overlap more the better one stays
    """

    answer: Answer
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
            f"{name}.{one.name}": one.appearance
            for name, mask in self.masks.items()
            for one in mask.classes
            if one.appearance is not None
        }
        return found | {name: box.appearance for name, box in self.boxes.items()}


def read_outputs(section: Section, inputs: Mapping[str, NetworkInput]) -> Outputs:
    """Read `outputs`."""
    outputs = Outputs({}, {}, {}, {}, {})
    for entry in section.sections("outputs", least=1):
        kind = entry.choice("kind", OutputKind)
        answer = _read_answer(entry, inputs, kind)
        if answer.name in {one.answer.name for one in outputs.all}:
            raise entry.problem("name", f'another output is named "{answer.name}"', "Rename one.")
        _read_one(entry, answer, kind, outputs, inputs[answer.network])
        entry.close()
    unasked = [name for name in inputs if name not in {o.answer.network for o in outputs.all}]
    if unasked:
        raise section.problem(
            "networks", f'no output is of the network "{unasked[0]}"', "Declare one, or drop it."
        )
    return outputs


def _read_one(
    entry: Section, answer: Answer, kind: OutputKind, outputs: Outputs, fed: NetworkInput
) -> None:
    if kind is OutputKind.MASK:
        _put(outputs.masks, answer.name, _read_mask(entry, answer))
    elif kind is OutputKind.STUDY_SCORE:
        _put(outputs.study_scores, answer.name, _read_score(entry, answer, combined=True))
    elif kind is OutputKind.SLICE_SCORE:
        _need_slices(entry, kind, fed)
        _put(outputs.slice_scores, answer.name, _read_score(entry, answer, combined=False))
    elif kind is OutputKind.HEAT_MAP:
        _need_slices(entry, kind, fed)
        _put(outputs.heat_maps, answer.name, HeatMapOutput(answer, _read_column(entry)))
    else:
        _put(outputs.boxes, answer.name, _read_boxes(entry, answer))


def _put(found: Mapping[str, Output], name: str, output: Output) -> None:
    assert isinstance(found, dict)
    found[name] = output


def _need_slices(entry: Section, kind: OutputKind, fed: NetworkInput) -> None:
    if fed.kind is InputKind.PATCHES_3D:
        raise entry.problem(
            "kind",
            f'a "{kind}" needs a network that reads slices',
            f'The input of "{fed.network}" is "{fed.kind}": declare a mask or a study-score.',
        )


def _read_answer(entry: Section, inputs: Mapping[str, NetworkInput], kind: OutputKind) -> Answer:
    name = entry.text("name")
    if not NAME.fullmatch(name):
        raise entry.problem("name", f'"{name}" is no name', "Use small letters, digits and _.")
    network = entry.text("network") if entry.has("network") else _only(entry, inputs)
    if network not in inputs:
        cure = f"{nearest(network, inputs)}Networks are {listing(inputs)}."
        raise entry.problem("network", f'there is no network "{network}"', cure)
    activation = entry.choice("activation", Activation)
    if kind in (OutputKind.HEAT_MAP, OutputKind.BOX) and activation is Activation.SOFTMAX:
        raise entry.problem(
            "activation", f'a "{kind}" has no classes to share out among', 'Write "sigmoid".'
        )
    return Answer(name, network, entry.text("tensor"), activation)


def _only(entry: Section, inputs: Mapping[str, NetworkInput]) -> str:
    if len(inputs) != 1:
        raise entry.problem(
            None, "there are several networks", f"Add network = one of {listing(inputs)}."
        )
    return next(iter(inputs))


# --- Masks --------------------------------------------------------------------------------------


def _read_mask(entry: Section, answer: Answer) -> MaskOutput:
    classes = tuple(_read_class(one) for one in entry.sections("classes", least=1))
    names = [one.name for one in classes]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise entry.problem("classes", f'two classes are named "{twice}"', "Rename one.")
    if len(classes) > _MOST_CLASSES:
        raise entry.problem("classes", f"there are {len(classes)}", f"At most {_MOST_CLASSES}.")
    mask = MaskOutput(answer, classes)
    _refuse_undecided(entry, mask)
    return mask


def _refuse_undecided(entry: Section, mask: MaskOutput) -> None:
    """Refuse classes among which no voxel could be decided."""
    found = [one for one in mask.classes if one.appearance is not None]
    activation = mask.answer.activation
    if not found:
        raise entry.problem("classes", "all are background", "Declare what is to be found.")
    if activation is Activation.SIGMOID and len(found) < len(mask.classes):
        raise entry.problem(
            "classes",
            'with "sigmoid" there is no background',
            'Leave it out, or write activation = "softmax".',
        )
    if activation is Activation.SOFTMAX and len(mask.classes) < 2:
        raise entry.problem(
            "classes",
            "one class alone is always the most probable",
            'Declare the background too, or activation = "sigmoid".',
        )
    if not mask.exclusive and any(one.threshold is None for one in found):
        raise entry.problem(
            "classes", "a class has no threshold", "Without a background each needs one: 0.5."
        )


_CLASS_KEYS = ("name", "background", "is", "code", "site", "laterality", "colour", "threshold")


def _read_class(section: Section) -> MaskClass:
    section.expect(*_CLASS_KEYS)
    name = section.text("name")
    if not NAME.fullmatch(name):
        raise section.problem("name", f'"{name}" is no name', "Use small letters, digits and _.")
    background = section.flag("background") if section.has("background") else False
    appearance = None if background else _read_appearance(section)
    has_threshold = not background and section.has("threshold")
    threshold = section.number("threshold", 0.0, 1.0) if has_threshold else None
    section.close()
    return MaskClass(name, appearance, threshold)


def _read_appearance(section: Section) -> Appearance:
    return Appearance(
        kind=section.choice("is", Kind),
        code=read_code(section.section("code")),
        site=read_optional_code(section, "site"),
        laterality=(
            section.choice("laterality", Laterality) if section.has("laterality") else None
        ),
        colour=_read_colour(section),
    )


def _read_colour(section: Section) -> Colour:
    text = section.text("colour")
    if not _COLOUR.fullmatch(text):
        raise section.problem("colour", f'"{text}" is no colour', 'Write "#rrggbb": "#e69f00".')
    red, green, blue = (int(text[at : at + 2], 16) for at in (1, 3, 5))
    return red, green, blue


# --- Scores -------------------------------------------------------------------------------------


def _read_column(entry: Section) -> int:
    return entry.integer("column", 0, _MOST_COLUMNS - 1) if entry.has("column") else 0


def _read_score(entry: Section, answer: Answer, *, combined: bool) -> ScoreOutput:
    combination = entry.choice("combine", Combination) if combined else None
    return ScoreOutput(
        answer=answer,
        column=_read_column(entry),
        concept=read_optional_code(entry, "code"),
        calibration=(
            _read_calibration(entry.section("calibration")) if entry.has("calibration") else None
        ),
        combination=combination,
        highest=(
            entry.integer("highest", 1, 10_000) if combination is Combination.MEAN_OF_HIGHEST else 0
        ),
    )


def _read_calibration(section: Section) -> Calibration:
    kind = section.choice("kind", CalibrationKind)
    if kind is CalibrationKind.TEMPERATURE:
        calibration = Calibration(kind, slope=1.0 / section.number("temperature", 0.01, 100.0))
    elif kind is CalibrationKind.PLATT:
        calibration = Calibration(
            kind,
            slope=section.number("slope", -1000.0, 1000.0),
            intercept=section.number("intercept", -1000.0, 1000.0),
        )
    else:
        calibration = _read_points(section)
    section.close()
    return calibration


def _read_points(section: Section) -> Calibration:
    given = section.numbers("given", 0.0, 1.0)
    meant = section.numbers("meant", 0.0, 1.0, count=len(given))
    if len(given) < 2:
        raise section.problem("given", "two points are needed", "Give the scores 0 and 1 too.")
    for key, values in (("given", given), ("meant", meant)):
        if any(later < earlier for earlier, later in pairwise(values)):
            raise section.problem(key, "it falls", "Write the points in rising order.")
    if any(math.isclose(one, two) for one, two in pairwise(given)):
        raise section.problem("given", "two scores are the same", "Leave one point out.")
    return Calibration(CalibrationKind.POINTS, given=given, meant=meant)


# --- Boxes --------------------------------------------------------------------------------------


def _read_boxes(entry: Section, answer: Answer) -> BoxOutput:
    return BoxOutput(
        answer=answer,
        scores=entry.text("scores"),
        order=entry.choice("order", BoxOrder),
        threshold=entry.number("threshold", 0.0, 1.0),
        most_overlap=entry.number("most_overlap", 0.0, 1.0),
        appearance=_read_appearance(entry),
    )
