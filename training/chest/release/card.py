"""The model card and `evaluation.json` of the chest bundle, from measured figures alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from training.chest.calibrate import MOST_FALSE_PERCENT, Scores
from training.chest.release.declaration import INTENDED_USE, LICENCES, NAME, NEIGHBOUR_MM, VERSION
from training.chest.release.export import ExportedChest
from training.chest.release.volumes import VolumeAnswer
from training.chest.score_folds import FoldScores
from training.chest.scores.network import SIZE as SCORE_SIZE
from training.release.made import Made
from training.release.model_card import breaks, robustness_table, thickness_table
from training.scoring.report import CardFigure, Perturbed, Thickness


@dataclass(frozen=True)
class Release:
    """All that the card tells."""

    figures: Sequence[CardFigure]
    folds: FoldScores
    volumes: Sequence[VolumeAnswer]
    scores: Scores
    robustness: Sequence[Perturbed]
    thickness: Sequence[Thickness]
    exported: ExportedChest
    made: Made


def evaluation_text(release: Release) -> str:
    """`evaluation.json` as text."""
    folds = release.folds
    entries = {
        "figures": {one.key: one.entry() for one in release.figures},
        "scans": [asdict(one) for one in folds.lesions.scans],
        "patients": [asdict(one) for one in folds.lungs.scans],
        "lesion_limits": asdict(folds.limits),
        "volumes": [asdict(one) for one in release.volumes],
        "robustness": [asdict(one) for one in release.robustness],
        "thickness": [asdict(one) for one in release.thickness],
        "export": asdict(release.exported),
        "made": release.made.entries(),
    }
    return json.dumps(entries, indent=1) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _figures(figures: Sequence[CardFigure]) -> str:
    return _table(
        ("what", "on", "value [95 % interval], cases"),
        [(one.what, one.where, str(one.estimate)) for one in figures],
    )


def _scans(folds: FoldScores) -> str:
    return _table(
        ("scan", "slices", "Dice of voxels"),
        [
            (one.scan, str(one.slices), f"{one.of_voxels:.3f}")
            for one in (*folds.lesions.scans, *folds.lungs.scans)
        ],
    )


def _volumes(volumes: Sequence[VolumeAnswer]) -> str:
    head = ("volume", "trained on", "answer", "lungs", "ground glass", "consolidation", "share",
            "lung Dice", "lung outside", "gates not passed")  # fmt: skip
    return _table(
        head,
        [
            (
                one.name,
                "yes" if one.seen else "no",
                f"{one.outcome.replace('_', ' ')}, {one.urgency or 'no urgency'}",
                f"{one.lung_ml:.0f} ml",
                f"{one.ground_glass_ml:.1f} ml",
                f"{one.consolidation_ml:.1f} ml",
                f"{one.share_percent:.2f} %",
                "–" if one.lung_dice is None else f"{one.lung_dice:.3f}",
                "–" if one.outside_ml is None else f"{one.outside_ml:.1f} ml",
                one.not_passed or "–",
            )
            for one in volumes
        ],
    )


def model_card(release: Release) -> str:
    """The text of `MODEL_CARD.md`."""
    made, exported, scores = release.made, release.exported, release.scores
    licences = _table(("data", "licence as found"), LICENCES)
    steps = ", ".join(f"{name} {count}" for name, count in made.steps.items())
    versions = ", ".join(f"{name} {version}" for name, version in made.versions.items())
    digests = "\n".join(f"- `{name}`: `{digest}`" for name, digest in made.data.items())
    chosen = release.folds.limits.chosen
    lung_changed, lesion_changed = (100.0 * one for one in exported.int8_changed)
    return f"""# {NAME} {VERSION}

**RESEARCH USE ONLY.**

## Intended use

{INTENDED_USE}

## What it is

Three networks. The first finds lungs and lesions: EfficientNet-Lite0 up to 1/32 of the resolution
with ImageNet weights as encoder, and a U-Net decoder. It sees an axial slice of 256 x 256 pixels
between the slices {NEIGHBOUR_MM:g} mm below and above it, HU from -1250 to 250. Lungs are then made
bodies inside the patient's body (`chest/lungs/`). The second says of single slices what pattern
they show: such an encoder with linear answers, which sees a slice of {SCORE_SIZE} x {SCORE_SIZE}
pixels alone; it is asked for some slices of a study, and says where in them it saw the pattern. The
third, which is small, says where lobes are likely by the shape of the lungs alone; it is asked
where a fissure is not seen (`chest/lobes/`).

Weights are stored in 16 bits: {exported.bytes[0] / 1e6:.1f} and {exported.bytes[1] / 1e6:.1f} MB.
{exported.ms_a_slice[0]:.0f} ms a slice for lungs and lesions and {exported.ms_a_slice[1]:.0f} ms
for scores, on two threads of the machine that trained them. ONNX Runtime and PyTorch differ by at
most {max(exported.largest_difference):.1e}. An int8 form of the first network would change the
class of {lung_changed:.2f} % of pixels of lungs and {lesion_changed:.2f} % of lesions, and take
{exported.int8_ms:.0f} ms a slice; it is not shipped.

## How well it does

{_figures(release.figures)}

A lesion is outlined from a probability of {chosen.outline:.2f} on, and from {chosen.faint:.2f} on
where the lung is dense. It counts where it reaches {chosen.peak:.2f} somewhere in its slice, or
lies on what counts in the next. Of the limits that are the best for the scans of the
folds, within a hundredth, they are those that reach furthest; considered were
those under which volumes without pneumonia have lesions in {MOST_FALSE_PERCENT} % of their lungs
at most, a third of them excepted; so the Dice of scans is a little too good. No other figure was
used to choose anything. Figures of COVID-CT are those of a network of scores that was trained on
its train part alone; the one that is shipped was trained by the same recipe on train and val, and
takes thresholds and calibration from the first. Calibration of the viral answer is fitted on four
fifths of the figures and scored on the fifth. Intervals: bootstrap (BCa) for means, DeLong for the
AUC, Wilson for proportions.

### Scan by scan

{_scans(release.folds)}

### Whole volumes, read as the worker reads them

Each by a network that did not see it: that of the fold which left it out, or the one that is
shipped where nothing was trained on it. Of volumes that were trained on, the figures show whether
they were learnt, and nothing more.

{_volumes(release.volumes)}

### Degraded slices

Held-out slices of `lungs2d` and of the doctors, and the validation part of COVID-CT; means over
slices, without intervals.

{robustness_table(release.robustness)}

{breaks(release.robustness)}

### Thick slices

Two phantoms whose slices of 1 mm were averaged, read as the worker reads them.

{thickness_table(release.thickness)}

## Decisions

A slice is called viral from {scores.viral_threshold:.2f} on; a study is undetermined between
{scores.low:.2f} and {scores.high:.2f}. Suspicion follows the share of the lungs that lesions take.

## Trained on

{licences}

Two sets are for non-commercial use only: so is this bundle.

## Limits

- Lesions were drawn on scans with COVID-19 and slices alone: other pneumonias are not scored.
- What lies in one normal and seven tumour patients is all that it knows of other disease.
- Which lesion is ground glass and which consolidation was drawn in 50 slices only.
- Scans with lesions on HU volumes were not at hand: grey levels of the pictures were brought back
  to HU by estimate.
- Children were not studied.

## How it was made

`python -m training.chest --data DIR` (seed {made.seed}) on {made.machine}. Steps: {steps}.
{versions}. {made.remark}

sha256 over folders of training data:

{digests}
"""
