"""A commented skeleton of a bundle, from the inputs and outputs of an ONNX file.

It is whole and can be run as it is: what the graph does not say is filled in with likely values,
each with a comment, and every line that a person must look at says CHECK.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from models.candidates import check_version, name_and_version
from models.declared.section import DECLARATION
from models.onnx_session import Tensor, TensorSession
from models.release.guessed_output import GuessedOutput
from models.release.seal import write_bundle_files
from models.release.skeleton_sections import head, input_section, rules
from radiology.errors import BundleRejected, SettingsRefused

_CARD = """# {name} {version}

RESEARCH USE ONLY.

What it is for, what it was trained on and with what result, what it cannot do.
"""


def write_skeleton(root: Path, name: str, version: str, network: Path) -> Path:
    """Write `<name>/<version>` under a folder, with a copy of the network; returns it.

    Raises
    ------
    BundleRejected
        The file is no network, or not one that reads images.
    SettingsRefused
        The folder is there already, the name is none, or the file is not there.
    """
    name_and_version(name)
    folder = root / name / check_version(version)
    if not network.is_file():
        raise SettingsRefused(f"There is no file {network}")
    if folder.exists():
        raise SettingsRefused(f"{folder} is there already; choose another --version")
    session = TensorSession(network, threads=1)
    text = declaration_of(name, version, network.name, session.inputs, session.outputs)
    folder.mkdir(parents=True)
    try:
        shutil.copyfile(network, folder / network.name)
        _copy_weights(network, folder)
        (folder / "MODEL_CARD.md").write_text(_CARD.format(name=name, version=version))
        (folder / DECLARATION).write_text(text, encoding="utf-8")
        write_bundle_files(folder)
    except BundleRejected:
        shutil.rmtree(folder)
        raise
    return folder


def _copy_weights(network: Path, folder: Path) -> None:
    """Weights that an exporter put beside the graph."""
    for weights in network.parent.glob(f"{network.name}*data"):
        shutil.copyfile(weights, folder / weights.name)


def declaration_of(
    name: str,
    version: str,
    file: str,
    inputs: Mapping[str, Tensor],
    outputs: Mapping[str, Tensor],
) -> str:
    """The text of the declaration.

    Raises
    ------
    BundleRejected
        No input has the shape of slices or patches, or there is no output that is known.
    """
    fed = next((one for one in inputs.values() if len(one.shape) in (4, 5)), None)
    if fed is None:
        raise BundleRejected(
            f"{file}: no input has four axes (n, channels, rows, columns) or five (n, channels, "
            "planes, rows, columns). Export the network with one such input."
        )
    patches = len(fed.shape) == 5
    answers = [GuessedOutput(one, fed) for one in outputs.values()]
    known = [one for one in answers if one.kind]
    if not known:
        raise BundleRejected(f"{file}: none of its outputs is a mask, a score or a map")
    return "\n".join(
        [
            head(name, version, file),
            input_section(fed, patches=patches),
            *(one.text() for one in answers),
            rules(known),
        ]
    )
