"""A commented skeleton of a bundle, from the inputs and outputs of an ONNX file.

It is whole and can be run as it is: what the graph does not say is filled in with likely values,
each with a comment, and every line that a person must look at says CHECK.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from models.candidates import check_version, name_and_version
from models.declared.section import DECLARATION
from models.onnx_session import Tensor, TensorSession
from models.release.seal import seal
from radiology.errors import BundleRejected, SettingsRefused

NETWORK = "main"

_PATCH = (64, 128, 128)  # where the graph leaves lengths open
_SLICE = (512, 512)
_COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")
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
        seal(folder)
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
    answers = [_Output(one, fed) for one in outputs.values()]
    known = [one for one in answers if one.kind]
    if not known:
        raise BundleRejected(f"{file}: none of its outputs is a mask, a score or a map")
    return "\n".join(
        [
            _head(name, version, file),
            _input(fed, patches=patches),
            *(one.text() for one in answers),
            _rest(known),
        ]
    )


def _head(name: str, version: str, file: str) -> str:
    return f'''\
# A bundle of Firstread, schema 3; docs/bundles.md explains every key.
# Lines with CHECK were guessed. Then: firstread models seal {name}/{version}
schema = 3
name = "{name}"
version = "{version}"
intended_use = "Research use only. CHECK: what it is for, and what not."
research_only = true

[algorithm]
name = "{name}" # CHECK: as reports name it
manufacturer = "CHECK"

[files] # sha256 of each; `firstread models seal` writes them

# What it was trained on, and on what terms; one table for each set.
# [[licences]]
# data = "Name of the set (authors, year): how many cases"
# licence = "CC BY 4.0"

# Which series it wants: a DICOM keyword, a comparison (equals, contains_any, contains_none,
# at_least, at_most) and a limit.
[[accepts]]
keyword = "Modality"
comparison = "equals"
limit = "CT"
required = true # whether a series without it is refused

# [[accepts]]
# keyword = "BodyPartExamined"
# comparison = "contains_any"
# limit = ["HEAD", "BRAIN"]
# required = false

[report] # what mail, HL7, SR and the work item call it
title = "CT" # CHECK: of what was read, as in "head CT"
subject = "findings" # CHECK: what the study is triaged for, as in "bleeding"
# Codes: schemes SCT, DCM, RADLEX, UCUM, LN, or a private one that begins with 99.
# window_hu = [40.0, 400.0] # centre and width, in HU, of the window that pictures are drawn in
procedure = {{ value = "24725-4", scheme = "LN", meaning = "CT Head" }} # CHECK
body_region = {{ value = "69536005", scheme = "SCT", meaning = "Head" }} # CHECK

# What titles of this declaration are called on the Chinese page, which else shows them in English.
# [words.zh]
# "head CT" = "头部 CT"

[networks.{NETWORK}]
float32 = "{file}"
# int8 = "…-int8.onnx"
# on_cpu = "int8" # which of the two a CPU runs
'''


def _input(fed: Tensor, *, patches: bool) -> str:
    channels = fed.shape[1] or 1
    given = fed.shape[2:]
    size = [one or usual for one, usual in zip(given, _PATCH if patches else _SLICE, strict=True)]
    open_note = "" if all(given) else " # CHECK: the graph leaves it open"
    near = not patches and channels in (3, 5, 7, 9)
    kind = "patches-3d" if patches else "slices-2.5d" if near else "slices"
    lines = [
        f"[inputs.{NETWORK}]",
        f'kind = "{kind}" # slices, slices-2.5d (with neighbours) or patches-3d',
        f'tensor = "{fed.name}"',
        'orientation = "SPL" # CHECK: where planes, rows and columns grow; MONAI\'s RAS is "RAS"',
    ]
    if patches:
        lines += [
            'spacing_mm = [3.0, 1.0, 1.0] # CHECK: as trained, in the order of the axes; or "own"',
            f"size = {size}{open_note}",
            "overlap = 0.5 # of neighbouring patches",
            'weighting = "gaussian" # or even',
        ]
    else:
        lines += [
            'spacing_mm = ["own", "own", "own"] # of planes, rows, columns',
            f"size = {size}{open_note}",
            'fit = "whole-slice" # CHECK: or centre: at spacing_mm, cut or padded',
        ]
    if near:
        lines.append(f"neighbours = {(channels - 1) // 2} # CHECK: on each side; or slices")
    lines.append('interpolation = "linear" # cubic, or linear-averaged where it gets coarser')
    count = 1 if near else channels
    channel = "{ window_hu = [-1000.0, 1000.0] }"
    lines += [
        "# Each channel: { window_hu = [low, high] } is 0 to 1; or",
        "# { clip_hu = [low, high], mean_hu = …, deviation_hu = … } is (HU - mean) / deviation.",
        f"channels = [{', '.join([channel] * count)}] # CHECK",
        "",
    ]
    return "\n".join(lines)


class _Output:
    """One output of the graph, and what it seems to be."""

    def __init__(self, tensor: Tensor, fed: Tensor) -> None:
        self.tensor = tensor
        self.name = re.sub(r"[^a-z0-9_]+", "_", tensor.name.lower()).strip("_")[:30] or "output"
        if not self.name[0].isalpha():
            self.name = f"output_{self.name}"
        self.kind = _kind_of(tensor, fed)
        self.classes = (tensor.shape[1] or 2) if self.kind == "mask" else 0

    @property
    def class_names(self) -> list[str]:
        """Of what is not background."""
        return [f"class_{number}" for number in range(1, max(2, self.classes))]

    def text(self) -> str:
        if not self.kind:
            shape = ", ".join("n" if one is None else str(one) for one in self.tensor.shape)
            return f'# The output "{self.tensor.name}" ({shape}) is none that is known here.\n'
        lines = ["[[outputs]]", f'name = "{self.name}"', f'kind = "{self.kind}"',
                 f'tensor = "{self.tensor.name}"']  # fmt: skip
        if self.kind == "mask":
            lines += self._mask_lines()
        elif self.kind == "study-score":
            lines += [
                'activation = "sigmoid" # CHECK: none where they are probabilities already',
                "column = 0 # CHECK: which one, counted from 0",
                'combine = "maximum" # of slices or patches; mean, mean-of-highest (highest = 3)',
                '# calibration = { kind = "temperature", temperature = 1.5 }',
            ]
        else:
            lines.append('activation = "none" # CHECK: sigmoid where they are logits')
        return "\n".join([*lines, ""])

    def _mask_lines(self) -> list[str]:
        alone = self.classes == 1
        activation = "sigmoid" if alone else "softmax"
        lines = [f'activation = "{activation}" # CHECK: none where they are probabilities already']
        if not alone:
            lines += ["[[outputs.classes]]", 'name = "background"', "background = true"]
        for number, name in enumerate(self.class_names):
            lines += [
                "[[outputs.classes]]",
                f'name = "{name}" # CHECK',
                'is = "finding" # or anatomy',
                f'code = {{ value = "{name.upper()}", scheme = "99LOCAL", '
                f'meaning = "{name.replace("_", " ").capitalize()}" }} # CHECK',
                f'colour = "{_COLOURS[number % len(_COLOURS)]}"',
                "threshold = 0.5" if alone else "# threshold = 0.5 # else the most probable wins",
            ]
        return lines


def _kind_of(tensor: Tensor, fed: Tensor) -> str:
    """What a shape suggests; "" for none."""
    shape, size = tensor.shape, fed.shape[2:]
    if len(shape) == len(fed.shape):
        same = all(None in pair or pair[0] == pair[1] for pair in zip(shape[2:], size, strict=True))
        if same:
            return "mask"
        return "heat-map" if len(shape) == 4 else ""
    if len(shape) == 2:
        return "study-score"
    return "heat-map" if len(shape) == 3 and len(fed.shape) == 4 else ""


def _rest(known: list[_Output]) -> str:
    masks = [one for one in known if one.kind == "mask"]
    scores = [one for one in known if one.kind == "study-score"]
    regions = [f'"{mask.name}.{name}"' for mask in masks for name in mask.class_names]
    lines = []
    if regions:
        lines += [
            "# volume, share (with within), mean-hu, deviation-hu, count, largest-volume,",
            "# largest-diameter, slices; of scores: score, highest-slice-score, slices-above",
            "[[measurements]]",
            'name = "volume_ml"',
            'kind = "volume"',
            f"of = [{', '.join(regions)}]",
            "",
        ]
    value = scores[0].name if scores else "volume_ml"
    lines += [
        "[[findings]]",
        'name = "finding" # CHECK',
        'code = { value = "FINDING", scheme = "99LOCAL", meaning = "Finding" } # CHECK',
    ]
    if regions:
        lines += [
            f"regions = [{', '.join(regions)}]",
            'measurements = ["volume_ml"]',
            "least_ml = 0.1 # smaller parts are dropped",
        ]
    if scores:
        lines.append(f'score = "{scores[0].name}"')
    if not (scores or regions):
        raise BundleRejected("A heat map alone is no finding: the network needs a mask or a score")
    limit = 0.5 if scores else 1.0
    lines += [
        "",
        "# Rows are read from the top; the first that holds decides. A site may set other limits.",
        "[[suspicion]]",
        'name = "finding suspected"',
        'finding = "finding"',
        f'value = "{value}" # a measurement or a study-score',
        'comparison = "at_least"',
        f"limit = {limit} # CHECK",
        "",
        "[[urgency]]",
        'name = "finding urgent"',
        'level = "urgent" # suspected, routine',
        'finding = "finding" # must be suspected too',
        f'value = "{value}"',
        'comparison = "at_least"',
        f"limit = {0.9 if scores else 20.0} # CHECK",
        "",
        "# least-slices, most-slice-spacing, most-pixel-spacing, least-length, least-age,",
        "# anatomy-found (of), measurement (value, comparison, reason)",
        "[[gates]]",
        'check = "least-slices"',
        "limit = 8",
        'action = "refuse" # or warn',
        "",
        "[deliver]",
        'to = "nowhere" # shadow: run and stored, shown to nobody; then page only, then pacs',
    ]
    return "\n".join(lines) + "\n"
