"""The sections of a skeleton: TOML text with likely values, and CHECK where a person must look."""

from __future__ import annotations

from models.onnx_session import Tensor
from models.release.guessed_output import GuessedOutput
from radiology.errors import BundleRejected

NETWORK = "main"

_PATCH = (64, 128, 128)  # where the graph leaves lengths open
_SLICE = (512, 512)


def head(name: str, version: str, file: str) -> str:
    """The release: name, algorithm, files, series and report, up to the network."""
    return f'''\
# A bundle of Firstread, schema 3; docs/bundles.md explains every key.
# Lines with CHECK were guessed: look, correct, take the word out. Then:
# firstread models seal {name}/{version}
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


def input_section(fed: Tensor, *, patches: bool) -> str:
    """The input of the network."""
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


def rules(known: list[GuessedOutput]) -> str:
    """Measurements, findings, suspicion, urgency, gates and delivery.

    Raises
    ------
    BundleRejected
        No output is a mask or a score.
    """
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
