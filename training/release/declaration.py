"""Write a bundle's declaration, `bundle.toml`, as `models.schema_2.bundle` reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Protocol

from models.schema_2.sign import Sign
from models.schema_2.view import CHANNELS
from training.classification.views import MARGIN, VIEW
from training.data.augment import WINDOW_HIGH_HU, WINDOW_LOW_HU
from training.data.slices import GRID
from training.release.export import (
    CLASSIFICATION_INPUT,
    CLASSIFICATION_OUTPUTS,
    SEGMENTATION_INPUT,
    SEGMENTATION_OUTPUTS,
)
from training.release.model_card import INTENDED_USE, LICENCES
from training.scoring.report import Report

NAME = "chest-ct-pneumonia"
LUNG_THRESHOLD = 0.5
CASE_RULE = "lesion_share"

ACCEPTS = """\
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


class Released(Protocol):
    """What is declared of a network; `training.release.parity.Parity` is one."""

    @property
    def network(self) -> str:
        """Which of the two."""
        ...

    @property
    def on_cpu(self) -> str:
        """The precision that a CPU runs."""
        ...


def _text(value: str) -> str:
    """A TOML basic string; JSON's escapes are a subset of TOML's."""
    return json.dumps(value, ensure_ascii=False)


def _texts(values: Sequence[str]) -> str:
    return json.dumps(list(values), ensure_ascii=False)


def file_names(network: str) -> tuple[str, str]:
    """Names of a network's float32 and int8 files."""
    return f"{network}.onnx", f"{network}-int8.onnx"


def _network(parity: Released) -> str:
    float32, int8 = file_names(parity.network)
    return f"""\
[networks.{parity.network}]
float32 = {_text(float32)}
int8 = {_text(int8)}
on_cpu = {_text(parity.on_cpu)} # the faster one that is as good: MODEL_CARD.md
"""


def _segmentation(report: Report) -> str:
    return f"""\
[segmentation.input]
name = {_text(SEGMENTATION_INPUT)}
axes = ["slice", "channel", "row", "column"] # rows to the back, columns to the patient's left
size = {GRID}
window_low_hu = {WINDOW_LOW_HU} # 0 of the network's input
window_high_hu = {WINDOW_HIGH_HU} # 1 of the network's input

[segmentation.outputs.lung]
name = {_text(SEGMENTATION_OUTPUTS[0])}
classes = ["background", "right", "left"]
threshold = {LUNG_THRESHOLD}

[segmentation.outputs.lesion]
name = {_text(SEGMENTATION_OUTPUTS[1])}
classes = ["none", "ground_glass", "consolidation"]
threshold = {report.segmentation.lesion_threshold} # chosen on the validation slices
"""


def _classification(report: Report) -> str:
    viral, signs, heat = CLASSIFICATION_OUTPUTS
    chosen = report.classification
    return f"""\
[classification.input]
name = {_text(CLASSIFICATION_INPUT)}
axes = ["slice", "channel", "row", "column"]
channels = {_texts(CHANNELS)}
size = {VIEW}
margin = {MARGIN} # around the lungs, of their longer side

[classification.outputs]
viral = {_text(viral)} # a calibrated probability from each member
signs = {_text(signs)} # calibrated
heat = {_text(heat)} # where it looked
sign_classes = {_texts([sign.value for sign in Sign])}
viral_threshold = {chosen.viral_threshold} # best accuracy out of fold
sign_thresholds = {list(chosen.sign_thresholds)} # best F1 out of fold
"""


def _case(report: Report) -> str:
    point, chosen = report.segmentation.point, report.classification
    return f"""\
# score = 1 / (1 + exp(-slope * log10(lesion share of both lungs / even share)))
[case]
rule = {_text(CASE_RULE)}
even_share_percent = {point.even_share_percent}
slope = {point.slope}
suspicion_threshold = {point.suspicion_threshold}
viral_low = {chosen.viral_low} # below: not suspected; from here to viral_high: undetermined
viral_high = {chosen.viral_high}
greatest_spread = {chosen.greatest_spread} # of the members; above: undetermined
"""


def declaration(
    version: str,
    digests: Mapping[str, str],
    report: Report,
    parities: Sequence[Released],
    trained_on: Sequence[tuple[str, str]] = LICENCES,
) -> str:
    """The text of `bundle.toml`.

    Parameters
    ----------
    digests : file name to sha256, of every file but the declaration
    trained_on : data and its licence
    """
    files = "\n".join(f"{_text(name)} = {_text(digests[name])}" for name in sorted(digests))
    licences = "\n".join(
        f"[[licences]]\ndata = {_text(data)}\nlicence = {_text(licence)}\n"
        for data, licence in trained_on
    )
    head = f"""\
# Released once, never edited in place. Written by `python -m training`.
schema = 2
name = {_text(NAME)}
version = {_text(version)}
intended_use = {_text(INTENDED_USE)}
research_only = true

[algorithm]
name = "Firstread chest CT pneumonia"
manufacturer = "Firstread"

[files]
{files}
"""
    networks = "\n".join(_network(parity) for parity in parities)
    parts = (head, licences, ACCEPTS, networks, _segmentation(report),
             _classification(report), _case(report))  # fmt: skip
    return "\n".join(parts)
