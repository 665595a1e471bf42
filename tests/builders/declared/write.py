"""Write a bundle of schema 3: its networks, its declaration, the digests of its files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

from models.declared.released import file_digest
from models.declared.section import DECLARATION
from tests.builders.declared.toml import dump_toml

Declaration = dict[str, Any]
_OPSET = 17


def code(value: str, meaning: str, scheme: str = "SCT") -> dict[str, str]:
    """A code as it is declared."""
    return {"value": value, "scheme": scheme, "meaning": meaning}


def released(name: str, version: str = "1.0.0") -> Declaration:
    """What every declaration begins with."""
    return {
        "schema": 3,
        "name": name,
        "version": version,
        "intended_use": "Tests.",
        "research_only": True,
        "algorithm": {"name": f"Test {name}", "manufacturer": "Firstread"},
        "licences": [{"data": "none", "licence": "Apache-2.0"}],
        "deliver": {"to": "pacs"},
    }


def write_declared(
    root: Path, declaration: Declaration, networks: Mapping[str, onnx.ModelProto]
) -> Path:
    """Write a whole bundle under `root`; returns its folder."""
    folder = root / str(declaration["name"]) / str(declaration["version"])
    folder.mkdir(parents=True)
    for name, network in networks.items():
        onnx.save(network, folder / name)
    (folder / "MODEL_CARD.md").write_text("# A bundle for tests\n", encoding="utf-8")
    declare_files(folder, declaration)
    return folder


def declare_files(folder: Path, declaration: Declaration) -> None:
    """Write the declaration over the files that are there now."""
    names = sorted(path.name for path in folder.iterdir() if path.name != DECLARATION)
    files = {name: file_digest(folder / name) for name in names}
    text = dump_toml({**declaration, "files": files})
    (folder / DECLARATION).write_text(text, encoding="utf-8")


def model(
    nodes: list[onnx.NodeProto],
    inputs: Mapping[str, list[int | str]],
    outputs: Mapping[str, list[int | str]],
    constants: list[onnx.TensorProto],
    kind: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    """A checked network with inputs and outputs of these shapes."""

    def infos(shapes: Mapping[str, list[int | str]]) -> list[onnx.ValueInfoProto]:
        return [helper.make_tensor_value_info(name, kind, one) for name, one in shapes.items()]

    graph = helper.make_graph(nodes, "test", infos(inputs), infos(outputs), constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=10)
    onnx.checker.check_model(made, full_check=True)
    return made
