"""Compares the networks of a schema 3 bundle with its declaration, without running them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from models.declared.inputs import InputKind, NetworkInput
from models.declared.outputs.kinds import BoxOutput, HeatMapOutput, MaskOutput, Output, ScoreOutput
from models.declared.section import listing, nearest
from models.declared_bundle import DeclaredBundle
from models.onnx_session import Tensor, TensorSession
from radiology.errors import BundleRejected

_Shape = tuple[int | None, ...]


def check_declared_networks(bundle: DeclaredBundle) -> None:
    """Load every network on the CPU and compare its inputs and outputs with the declaration.

    Raises
    ------
    BundleRejected
        One cannot be loaded, or has other inputs or outputs; with the file, the tensor, the
        reason and the cure.
    """
    for name, files in bundle.networks.items():
        outputs = [one for one in bundle.outputs.all if one.answer.network == name]
        for precision in files.precisions:
            path = files.path(precision)
            check_session(_open(path), path.name, bundle.inputs[name], outputs)


def _open(path: Path) -> TensorSession:
    try:
        return TensorSession(path, threads=1)
    except BundleRejected as error:
        raise _problem(
            path.name, "", "ONNX Runtime cannot load it", "Export it again, whole, as ONNX."
        ) from error


def check_session(
    session: TensorSession, file: str, fed: NetworkInput, outputs: list[Output]
) -> None:
    """Compare one loaded network with its input and outputs."""
    others = [name for name in session.inputs if name != fed.tensor]
    tensor = _tensor(file, "input", fed.tensor, session.inputs)
    if others:
        raise _problem(
            file,
            f'input "{others[0]}"',
            "only one input is fed",
            "Export the network with one input.",
        )
    _check(file, "input", tensor, [fed.shape])
    for output in outputs:
        for name, shapes in _declared_shapes(output, fed):
            _check(file, "output", _tensor(file, "output", name, session.outputs), shapes)
        if isinstance(output, ScoreOutput | HeatMapOutput):
            _check_column(file, session.outputs[output.answer.tensor], output)


def _problem(file: str, place: str, reason: str, cure: str) -> BundleRejected:
    where = f"{file}, {place}" if place else file
    return BundleRejected(f"{where}: {reason}. {cure}")


def _tensor(file: str, what: str, name: str, there: dict[str, Tensor]) -> Tensor:
    if name not in there:
        cure = f"{nearest(name, there)}It has {listing(there)}."
        raise _problem(file, f'{what} "{name}"', f"the network has no such {what}", cure)
    return there[name]


def _check(file: str, what: str, tensor: Tensor, shapes: list[_Shape]) -> None:
    """Refuse other elements than float32, and a shape that is none of those that would do."""
    place = f'{what} "{tensor.name}"'
    if not tensor.is_float32:
        raise _problem(
            file,
            place,
            f"its elements are {tensor.kind}",
            "Export it with float32 inputs and outputs.",
        )
    if not any(_fits(tensor.shape, shape) for shape in shapes):
        wanted = " or ".join(_written((None, *shape)) for shape in shapes)
        raise _problem(
            file,
            place,
            f"its shape is {_written(tensor.shape)} and {wanted} was declared",
            "Change the declaration, or export the network again.",
        )


def _check_column(file: str, tensor: Tensor, output: ScoreOutput | HeatMapOutput) -> None:
    rank = 2 if isinstance(output, ScoreOutput) else 4
    columns = tensor.shape[1] if len(tensor.shape) == rank else None
    if columns is not None and output.column >= columns:
        raise _problem(
            file,
            f'output "{tensor.name}"',
            f'it has {columns} columns and "{output.answer.name}" asks for column {output.column}',
            "Columns are counted from 0.",
        )


def _fits(there: _Shape, wanted: _Shape) -> bool:
    """Whether a shape, less its first axis, may be the wanted one; free lengths fit any."""
    return len(there) == len(wanted) + 1 and all(
        None in (length, other) or length == other
        for length, other in zip(there[1:], wanted, strict=True)
    )


def _written(shape: _Shape) -> str:
    return "(" + ", ".join("n" if length is None else str(length) for length in shape) + ")"


def _declared_shapes(output: Output, fed: NetworkInput) -> Iterator[tuple[str, list[_Shape]]]:
    """The tensors of an output, and the shapes that each may have, without the first axis."""
    name = output.answer.tensor
    if isinstance(output, MaskOutput):
        yield name, [(len(output.classes), *fed.size)]
    elif isinstance(output, HeatMapOutput):
        yield name, [(None, None, None)] + ([(None, None)] if output.column == 0 else [])
    elif isinstance(output, ScoreOutput):
        yield name, [(None,)] + ([()] if output.column == 0 else [])
    else:
        yield from _box_shapes(output, fed)


def _box_shapes(output: BoxOutput, fed: NetworkInput) -> Iterator[tuple[str, list[_Shape]]]:
    edges = 6 if fed.kind is InputKind.PATCHES_3D else 4
    yield output.answer.tensor, [(None, edges)]
    yield output.scores, [(None,), (None, 1)]
