"""Reads a mask output: its classes, and how a voxel gets its class."""

from __future__ import annotations

from typing import Final

from models.declared.inputs import NAME
from models.declared.outputs.kinds import Activation, MaskClass, MaskOutput, OutputTensor
from models.declared.outputs.read_appearance import read_appearance
from models.declared.section import DeclarationTable

_MOST_CLASSES: Final = 255  # a label map holds one byte for each voxel


def read_mask(entry: DeclarationTable, answer: OutputTensor) -> MaskOutput:
    """The classes, of which at least one is to be found."""
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


def _refuse_undecided(entry: DeclarationTable, mask: MaskOutput) -> None:
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


def _read_class(section: DeclarationTable) -> MaskClass:
    section.expect(*_CLASS_KEYS)
    name = section.text("name")
    if not NAME.fullmatch(name):
        raise section.problem("name", f'"{name}" is no name', "Use small letters, digits and _.")
    background = section.flag("background") if section.has("background") else False
    appearance = None if background else read_appearance(section)
    has_threshold = not background and section.has("threshold")
    threshold = section.number("threshold", 0.0, 1.0) if has_threshold else None
    section.close()
    return MaskClass(name, appearance, threshold)
