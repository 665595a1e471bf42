"""Write a bundle folder: network, golden test, model card, declaration with every sha256."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from pathlib import Path

from models.golden import make_patches
from training.augment import WINDOW_HIGH_HU, WINDOW_LOW_HU
from training.evaluate import Report
from training.export import INPUT, OUTPUTS, Agreement, torch_answers, write_onnx
from training.golden import golden_record, recipe, write_golden
from training.model_card import INTENDED_USE, LICENCES, model_card
from training.network import ChestNet
from training.slices import GRID

log = logging.getLogger(__name__)

NAME = "chest-ct-pneumonia"
VERSION = "1.0.0"
LUNG_THRESHOLD = 0.5

_ACCEPTS = """\
# What series this bundle wants: DICOM keyword, plain comparison, limit; nothing is evaluated.
[[accepts]]
keyword = "Modality"
comparison = "equals"
limit = "CT"
required = true

[[accepts]]
keyword = "SliceThickness" # mm; above it a slice averages too much to outline ground glass
comparison = "at_most"
limit = 10.0
required = false

[[accepts]]
keyword = "SpacingBetweenSlices" # mm
comparison = "at_most"
limit = 10.0
required = false

[[accepts]]
keyword = "NumberOfSeriesRelatedInstances"
comparison = "at_least"
limit = 12
required = false

[[accepts]]
keyword = "BodyPartExamined"
comparison = "contains_any"
limit = ["CHEST", "THORAX", "LUNG", "BREAST", "CTA", "ABDOMEN", "BODY", "PET"]
required = false

[[accepts]]
keyword = "ImageType"
comparison = "contains_none"
limit = ["LOCALIZER"]
required = false
"""


def _text(value: str) -> str:
    """A TOML basic string; JSON's escapes are a subset of TOML's."""
    return json.dumps(value, ensure_ascii=False)


def _declaration(digests: dict[str, str], report: Report) -> str:
    point = report.point
    files = "\n".join(f"{_text(name)} = {_text(digests[name])}" for name in sorted(digests))
    licences = "\n".join(
        f"[[licences]]\ndata = {_text(data)}\nlicence = {_text(licence)}\n"
        for data, licence in LICENCES
    )
    return f"""\
# Released once, never edited in place. Written by `python -m training`.
schema = 1
name = {_text(NAME)}
version = {_text(VERSION)}
network = "network.onnx"
intended_use = {_text(INTENDED_USE)}
research_only = true

[algorithm]
name = "Firstread chest CT pneumonia"
manufacturer = "Firstread"

[files]
{files}

{licences}
{_ACCEPTS}
[input]
name = {_text(INPUT)}
axes = ["slice", "channel", "row", "column"] # rows to the back, columns to the patient's left
size = {GRID}
window_low_hu = {WINDOW_LOW_HU} # 0 of the network's input
window_high_hu = {WINDOW_HIGH_HU} # 1 of the network's input

[outputs.lung]
name = {_text(OUTPUTS[0])}
classes = ["background", "right", "left"]
threshold = {LUNG_THRESHOLD}

[outputs.lesion]
name = {_text(OUTPUTS[1])}
classes = ["none", "ground_glass", "consolidation"]
threshold = {report.lesion_threshold} # chosen on the validation slices

# score = 1 / (1 + exp(-slope * log10(lesion share of both lungs / even share)))
[operating_point]
even_share_percent = {point.even_share_percent}
slope = {point.slope}
suspicion_threshold = {point.suspicion_threshold}
"""


def write_bundle(network: ChestNet, report: Report, folder: Path, *, remark: str = "") -> Agreement:
    """Write the bundle into `folder`/chest-ct-pneumonia/1.0.0, replacing what was there.

    Parameters
    ----------
    remark : what a reader of the model card should know about this very training

    Raises
    ------
    ExportDiffers
        ONNX Runtime does not answer as PyTorch does; then nothing is replaced.
    """
    target = folder / NAME / VERSION
    partial = folder / NAME / f".{VERSION}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    agreement = write_onnx(network, partial / "network.onnx")
    plain = ChestNet()
    plain.load_state_dict(network.state_dict())
    answers = torch_answers(plain.eval(), make_patches(recipe()))
    write_golden(partial / "golden.json", golden_record(answers, OUTPUTS))
    card = model_card(NAME, VERSION, network, report, agreement, remark)
    (partial / "MODEL_CARD.md").write_text(card, encoding="utf-8")
    digests = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in partial.iterdir()
    }
    declaration = _declaration(digests, report)
    (partial / "bundle.toml").write_text(declaration, encoding="utf-8")
    if target.exists():
        shutil.rmtree(target)
    partial.rename(target)
    log.info("bundle written to %s", target)
    return agreement
