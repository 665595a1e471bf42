"""Files and networks that are not what a bundle declares are refused, and others stay usable."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from models.catalogue import read_catalogue
from models.declared.section import DECLARATION
from models.declared_bundle import read_declared_bundle
from radiology.errors import BundleRejected
from tests.builders.declared import patch_segmenter, slice_scorer
from tests.builders.declared.write import declare_files, model

Damage = Callable[[Path], None]


def _refusal(folder: Path) -> str:
    """What the catalogue says of a bundle; it must not fail, whatever is wrong."""
    catalogue = read_catalogue(folder.parents[1])
    assert not catalogue.declared
    refused = catalogue.refused[f"{folder.parent.name}/{folder.name}"]
    assert isinstance(refused, BundleRejected)
    return str(refused)


def _overwrite(name: str, content: bytes, *, listed: bool = False) -> Damage:
    def damage(folder: Path) -> None:
        (folder / name).write_bytes(content)
        if listed:
            declare_files(folder, patch_segmenter.declaration())

    return damage


def _cut(share: float) -> Damage:
    """A network that was not copied to its end, under a correct digest."""

    def damage(folder: Path) -> None:
        whole = (folder / "dense.onnx").read_bytes()
        _overwrite("dense.onnx", whole[: int(len(whole) * share)], listed=True)(folder)

    return damage


def _remove(name: str) -> Damage:
    return lambda folder: (folder / name).unlink()


def _text(change: Callable[[bytes], bytes]) -> Damage:
    def damage(folder: Path) -> None:
        path = folder / DECLARATION
        path.write_bytes(change(path.read_bytes()))

    return damage


def _folder_instead(folder: Path) -> None:
    (folder / "MODEL_CARD.md").unlink()
    (folder / "MODEL_CARD.md").mkdir()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (_overwrite("dense.onnx", b"?"), '"dense.onnx" is not the one that was released'),
        (_overwrite("MODEL_CARD.md", b"?"), '"MODEL_CARD.md" is not the one that was released'),
        (_overwrite("extra.bin", b"?"), 'the file "extra.bin" is not listed'),
        (_remove("dense.onnx"), 'the file "dense.onnx" is missing'),
        (_remove("MODEL_CARD.md"), 'the file "MODEL_CARD.md" is missing'),
        (_folder_instead, 'the file "MODEL_CARD.md" is missing'),
        (_remove(DECLARATION), "bundle.toml: it is missing"),
        (_overwrite("dense.onnx", b"", listed=True), "dense.onnx: ONNX Runtime cannot load it"),
        (_overwrite("dense.onnx", b"?" * 99, listed=True), "ONNX Runtime cannot load it"),
        (_cut(0.3), "dense.onnx"),
        (_cut(0.6), "dense.onnx"),
        (_cut(0.95), "dense.onnx"),
    ],
)
def test_damaged_file_is_refused(segmenter: Path, damage: Damage, reason: str) -> None:
    damage(segmenter)
    assert reason in _refusal(segmenter)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + b"\nname = \xff\n",
        lambda text: b"\xff\xfe" + text.decode().encode("utf-16-le"),
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text + b"\n[[",
        lambda text: text.replace(b'name = "', b"name = ", 1),
        lambda text: text + b"\nname = 1\n[report]\n",
        lambda text: text + b"\n[more]\nvery = " + b"[" * 5000 + b"]" * 5000,
        lambda text: text + b"\n[more]\nvery = " + b"9" * 6000,
        lambda text: b"",
        lambda text: b"\x00",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace(b"schema = 3", b'schema = "three"'),
        lambda text: text.replace(b"schema = 3", b"schema = 99"),
    ],
)
def test_text_that_cannot_be_read_is_refused(
    segmenter: Path, change: Callable[[bytes], bytes]
) -> None:
    _text(change)(segmenter)
    assert re.match(r"bundle\.toml line \d+", _refusal(segmenter))


def test_text_with_any_damage_is_refused_or_read_and_nothing_else(segmenter: Path) -> None:
    """Bytes changed, dropped and doubled anywhere: no mistake is ours to stumble over."""
    random = np.random.default_rng(20)
    path = segmenter / DECLARATION
    whole = path.read_bytes()
    refused: list[str] = []
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(int(random.integers(1, 4))):
            at, length = int(random.integers(0, len(damaged))), int(random.integers(1, 30))
            kind = random.integers(3)
            if kind == 0:
                damaged[at] = int(random.integers(256))
            elif kind == 1:
                del damaged[at : at + length]
            else:
                damaged[at:at] = damaged[at : at + length]
        path.write_bytes(bytes(damaged))
        try:
            read_declared_bundle(segmenter)
        except BundleRejected as error:
            refused.append(str(error))
    assert len(refused) > 100
    assert all(one.startswith("bundle.toml line ") for one in refused)


def _network(
    inputs: dict[str, list[int | str]],
    outputs: dict[str, list[int | str]],
    kind: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    """One whose outputs are constants of ones, and whose inputs are not looked at."""
    nodes, constants = [], []
    for name, shape in outputs.items():
        lengths = [length if isinstance(length, int) else 1 for length in shape]
        dtype = helper.tensor_dtype_to_np_dtype(kind)
        constants.append(numpy_helper.from_array(np.ones(lengths, dtype=dtype), f"{name}_c"))
        nodes.append(helper.make_node("Identity", [f"{name}_c"], [name]))
    return model(nodes, inputs, outputs, constants, kind)


SIZE = list(patch_segmenter.SIZE)
GOOD_IN: dict[str, list[int | str]] = {"patch": ["n", 1, *SIZE]}
GOOD_OUT: dict[str, list[int | str]] = {"logits": [1, 3, *SIZE]}


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (_network({"image": ["n", 1, *SIZE]}, GOOD_OUT), 'input "patch": the network has no such'),
        (_network({"patch": ["n", 2, *SIZE]}, GOOD_OUT), 'input "patch": its shape is (n, 2, '),
        (_network({"patch": ["n", 1, *SIZE[1:]]}, GOOD_OUT), 'input "patch": its shape is'),
        (_network({"patch": ["n", 1, 8, 16, 17]}, GOOD_OUT), "(n, 1, 8, 16, 16) was declared"),
        (_network({**GOOD_IN, "age": ["n", 1]}, GOOD_OUT), 'input "age": only one input is fed'),
        (_network(GOOD_IN, {"logit": [1, 3, *SIZE]}), 'Did you mean "logit"?'),
        (_network(GOOD_IN, {"logits": [1, 4, *SIZE]}), 'output "logits": its shape is (1, 4, '),
        (_network(GOOD_IN, {"logits": [1, 3]}), 'output "logits": its shape is (1, 3) and'),
        (_network(GOOD_IN, GOOD_OUT, TensorProto.FLOAT16), "its elements are tensor(float16)"),
        (_network(GOOD_IN, GOOD_OUT, TensorProto.DOUBLE), "float32 inputs and outputs"),
        (slice_scorer.network(), 'input "patch": the network has no such input. It has "stack"'),
    ],
)
def test_network_of_other_inputs_or_outputs_is_refused(
    segmenter: Path, network: onnx.ModelProto, reason: str
) -> None:
    """The refusal names the file and the tensor."""
    onnx.save(network, segmenter / "dense.onnx")
    declare_files(segmenter, patch_segmenter.declaration())
    refusal = _refusal(segmenter)
    assert refusal.startswith("dense.onnx, ")
    assert reason in refusal


def test_column_that_the_network_does_not_have_is_refused(scorer: Path) -> None:
    values = slice_scorer.declaration()
    values["outputs"][0]["column"] = 1
    declare_files(scorer, values)
    assert 'it has 1 columns and "fluid" asks for column 1' in _refusal(scorer)


def test_network_of_free_lengths_is_accepted(segmenter: Path) -> None:
    """Exports often leave lengths open."""
    free: list[int | str] = ["n", "c", "d", "h", "w"]
    identity = model(
        [helper.make_node("Identity", ["patch"], ["logits"])], {"patch": free}, {"logits": free}, []
    )
    onnx.save(identity, segmenter / "dense.onnx")
    declare_files(segmenter, patch_segmenter.declaration())
    assert read_catalogue(segmenter.parents[1]).declared


def test_one_broken_bundle_leaves_the_others(segmenter: Path, scorer_folder: Path) -> None:
    """And the refusal of the broken one is kept for who looks after them."""
    root = segmenter.parents[1]
    shutil.copytree(scorer_folder, root / slice_scorer.NAME / "1.0.0")
    _text(lambda text: text.replace(b"tensor", b"tenser", 1))(segmenter)
    catalogue = read_catalogue(root)
    assert list(catalogue.declared) == [(slice_scorer.NAME, "1.0.0")]
    assert not catalogue.bundles
    refusal = str(catalogue.refused[f"{patch_segmenter.NAME}/1.0.0"])
    assert 'Did you mean "tensor"?' in refusal
