"""Reads `outputs`: the network outputs of a schema 3 bundle."""

from __future__ import annotations

from collections.abc import Mapping

from models.declared.inputs import NAME, InputKind, NetworkInput
from models.declared.outputs.kinds import (
    Activation,
    BoxOrder,
    BoxOutput,
    HeatMapOutput,
    Output,
    OutputKind,
    Outputs,
    OutputTensor,
)
from models.declared.outputs.read_appearance import read_appearance
from models.declared.outputs.read_masks import read_mask
from models.declared.outputs.read_scores import read_column, read_score
from models.declared.section import DeclarationTable, listing, nearest


def read_outputs(section: DeclarationTable, inputs: Mapping[str, NetworkInput]) -> Outputs:
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
    entry: DeclarationTable,
    answer: OutputTensor,
    kind: OutputKind,
    outputs: Outputs,
    fed: NetworkInput,
) -> None:
    if kind is OutputKind.MASK:
        _put(outputs.masks, answer.name, read_mask(entry, answer))
    elif kind is OutputKind.STUDY_SCORE:
        _put(outputs.study_scores, answer.name, read_score(entry, answer, combined=True))
    elif kind is OutputKind.SLICE_SCORE:
        _need_slices(entry, kind, fed)
        _put(outputs.slice_scores, answer.name, read_score(entry, answer, combined=False))
    elif kind is OutputKind.HEAT_MAP:
        _need_slices(entry, kind, fed)
        _put(outputs.heat_maps, answer.name, HeatMapOutput(answer, read_column(entry)))
    else:
        _put(outputs.boxes, answer.name, _read_boxes(entry, answer))


def _put(found: Mapping[str, Output], name: str, output: Output) -> None:
    assert isinstance(found, dict)
    found[name] = output


def _need_slices(entry: DeclarationTable, kind: OutputKind, fed: NetworkInput) -> None:
    if fed.kind is InputKind.PATCHES_3D:
        raise entry.problem(
            "kind",
            f'a "{kind}" needs a network that reads slices',
            f'The input of "{fed.network}" is "{fed.kind}": declare a mask or a study-score.',
        )


def _read_answer(
    entry: DeclarationTable, inputs: Mapping[str, NetworkInput], kind: OutputKind
) -> OutputTensor:
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
    return OutputTensor(name, network, entry.text("tensor"), activation)


def _only(entry: DeclarationTable, inputs: Mapping[str, NetworkInput]) -> str:
    if len(inputs) != 1:
        raise entry.problem(
            None, "there are several networks", f"Add network = one of {listing(inputs)}."
        )
    return next(iter(inputs))


def _read_boxes(entry: DeclarationTable, answer: OutputTensor) -> BoxOutput:
    return BoxOutput(
        answer=answer,
        scores=entry.text("scores"),
        order=entry.choice("order", BoxOrder),
        threshold=entry.number("threshold", 0.0, 1.0),
        most_overlap=entry.number("most_overlap", 0.0, 1.0),
        appearance=read_appearance(entry),
    )
