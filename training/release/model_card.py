"""The model card, generated from the figures of the evaluation only."""

from __future__ import annotations

from collections.abc import Sequence

from training.release.made import Made
from training.release.parity import MOST_DRIFT, MOST_LOSS, Parity
from training.scoring.report import CardFigure, Perturbed, Report, Thickness

INTENDED_USE = (
    "Research use only. Orders a reading list of adult chest CT by suspicion of pneumonia; "
    "measures lungs and opacities; says whether their pattern is one that viral pneumonia has. "
    "Not for diagnosis, not for excluding disease."
)

LICENCES = (
    (
        "COVID-SemiSeg (Fan et al. 2020): 50 slices drawn by doctors, 400 pseudo-labelled",
        "non-commercial purposes only",
    ),
    ("Finding Lungs in CT Data: 214 slices with lung masks", "not found"),
    ("LUNA16 / LIDC-IDRI: 499 unlabelled slices, taken as without pneumonia", "CC BY 3.0"),
    (
        "COVID-CT (Yang et al. 2020): 541 figures from preprints, COVID-19 or not, five signs",
        "none stated; copyrights belong to the authors and publishers of the papers",
    ),
    (
        "SARS-CoV-2 CT-scan (Soares et al. 2020): 1943 slices, COVID-19 or not",
        "CC BY-NC-SA 4.0 (third-party statement)",
    ),
    ("public course project: 416 normal and 397 pneumonia slices, weak labels", "not found"),
)

# What the figures are asked to reach: the project's own goals, and what was published.
_GOALS = {
    "lung_dice": (0.975, "goal 0.975"),
    "lesion_dice": (0.74, "goal 0.74; Semi-Inf-Net on its own test: 0.739"),
    "viral_auc": (0.90, "goal 0.90; LA-DNN on the official test: 0.940"),
    "viral_ece": (-0.05, "goal at most 0.05"),
}


def _table(figures: Sequence[CardFigure]) -> str:
    lines = "\n".join(f"| {one.what} | {one.where} | {one.estimate} |" for one in figures)
    return f"| what | on | value [95 % interval], cases |\n|---|---|---|\n{lines}"


def _licence_table() -> str:
    rows = "\n".join(f"| {data} | {licence} |" for data, licence in LICENCES)
    return f"| data | licence as found |\n|---|---|\n{rows}"


def _goals(figures: Sequence[CardFigure]) -> str:
    lines = []
    for figure in figures:
        if figure.key not in _GOALS or figure.estimate.value is None:
            continue
        limit, words = _GOALS[figure.key]
        value = figure.estimate.value
        short = abs(limit) - value if limit > 0 else value - abs(limit)
        verdict = "reached" if short <= 0 else f"missed by {short:.3f}"
        lines.append(f"- {figure.what}, {figure.where}: {value:.3f} ({words}): {verdict}.")
    return "\n".join(lines)


def robustness_table(rows: Sequence[Perturbed]) -> str:
    """A row for each change."""
    head = "| the same slices | lung Dice | lesion Dice | viral AUC |\n|---|---|---|---|\n"
    return head + "\n".join(
        f"| {row.name} | {row.lung_dice:.3f} | {row.lesion_dice:.3f} | {row.auc:.3f} |"
        for row in rows
    )


def thickness_table(rows: Sequence[Thickness]) -> str:
    """A row for each thickness."""
    head = "| slices | lung Dice | lesion Dice | lesion volume, found / true |\n|---|---|---|---|\n"
    return head + "\n".join(
        f"| {row.slice_mm} mm | {row.lung_dice:.3f} | {row.lesion_dice:.3f} "
        f"| {row.lesion_volume:.2f} |"
        for row in rows
    )


def breaks(rows: Sequence[Perturbed]) -> str:
    """Name what costs more than a tenth; the first row is the unchanged one."""
    if not rows:
        return ""
    plain = rows[0]
    lines = []
    for row in rows[1:]:
        losses = {
            "lung Dice": plain.lung_dice - row.lung_dice,
            "lesion Dice": plain.lesion_dice - row.lesion_dice,
            "viral AUC": plain.auc - row.auc,
        }
        lost = [f"{name} by {loss:.2f}" for name, loss in losses.items() if loss > 0.1]
        if lost:
            lines.append(f"- {row.name}: lowers {', '.join(lost)}.")
    return "\n".join(lines) if lines else "Nothing of this costs more than 0.1 of any figure."


def _parity_table(parities: Sequence[Parity]) -> str:
    lines = []
    for parity in parities:
        scores = "; ".join(
            f"{name} {float32:.4f} → {int8:.4f}" for name, (float32, int8) in parity.scores.items()
        )
        lines.append(
            f"| {parity.network} | {scores} | {parity.largest_difference:.3f} "
            f"| {parity.mean_difference:.5f} "
            f"| {parity.ms_a_slice[0]:.1f} → {parity.ms_a_slice[1]:.1f} | {parity.on_cpu} |"
        )
    return (
        "| network | float32 → int8 | largest, mean difference of probabilities | | "
        "ms a slice, 2 threads | a CPU runs |\n|---|---|---|---|---|---|\n" + "\n".join(lines)
    )


def _made(made: Made) -> str:
    steps = ", ".join(f"{name} {count}" for name, count in made.steps.items())
    versions = ", ".join(f"{name} {number}" for name, number in made.versions.items())
    data = "\n".join(f"| {name} | `{digest}` |" for name, digest in made.data.items())
    resumed = ", resumed after an interruption" if made.resumed else ", in one go"
    return f"""\
`make train` (seed {made.seed}) on {made.machine}: {made.minutes:.0f} minutes{resumed}.
Steps: {steps}. {versions}.

| folder of training data | sha256 over its files |
|---|---|
{data}"""


def model_card(
    name: str,
    version: str,
    report: Report,
    parities: Sequence[Parity],
    largest_difference: float,
    made: Made,
) -> str:
    """Write the card as Markdown."""
    segmentation, classification = report.segmentation, report.classification
    point = segmentation.point
    remark = f"\n{made.remark}\n" if made.remark else ""
    notes = "\n\n".join((*segmentation.notes, *classification.notes))
    return f"""\
# {name} {version}

**RESEARCH USE ONLY.** Part of the training data is for non-commercial use only.

## Intended use

{INTENDED_USE}

## What it is

Two networks, trained from scratch on the data below.

*Segmentation*: a 2-D U-Net whose heavy part works at half resolution. Input: one axial slice on
256 × 256, HU −1250…250 mapped to 0…1; 8-bit figures are brought to approximate HU by their peaks
of aerated lung and soft tissue. Outputs: lung (background, right, left) and lesion (none, ground
glass, consolidation) as probabilities.

*Classification*: an ensemble of small residual networks that see the lungs of a slice, enlarged,
with the lung and lesion probabilities of the segmentation as further channels, and whose attention
is fitted to the lesions. Outputs: probability of the viral pattern from each member, the five
signs, and where it looked.

Exported to ONNX; ONNX Runtime and PyTorch differ by at most {largest_difference:.1e}.

The suspicion score is logistic in the logarithm of the lesion share of both lungs: 0.5 at
{point.even_share_percent:g} %, slope {point.slope:g} a decade; at or above
{point.suspicion_threshold:g} a study is suspected. No labelled volumes were at hand: slices of one
pseudo-labelled case, and runs of 20 slices without pneumonia, stand in for studies.

## How well it does

Scored on slices that were neither trained on nor used to choose anything.

{_goals(report.figures)}

{_table(segmentation.figures)}

{_table(classification.figures)}

{notes}

**What is shipped is not quite what was scored.** After scoring, both networks went on for a few
steps with the held-out drawn slices and with the official val split added: they are few, and every
one counts. Figures taken with the shipped networks on those slices would flatter; on other data
nothing is known to be worse.

Intervals: DeLong on the logit for AUC, Wilson for proportions, bootstrap for the rest. Slices are
not independent where they are of one patient, so the true intervals are wider.

### Floors

What needs no network, on the same slices.

{_table(report.floors)}

### Made worse

{robustness_table(report.robustness)}

What breaks:

{breaks(report.robustness)}

The adversarial step follows the gradient of the very network that it is tried on; nobody who only
sends images can take it exactly.

The drawn slices are pictures and cannot be made thicker. Two phantoms can, by averaging slices of
1 mm; over whole volumes, the network alone, without clean-up:

{thickness_table(report.thickness)}

### Small and fast

{_parity_table(parities)}

A CPU runs the faster form that loses less than {MOST_LOSS} of every score and whose probabilities
differ by less than {MOST_DRIFT} in the mean, since thresholds were chosen in float32. int8 is
calibrated statically on {_CALIBRATED_ON}.

## Trained on

{_licence_table()}

Synthetic opacities and domes of the diaphragm were painted into the slices without pneumonia.
Slices without lung masks got those of a first network, joined with their lesions; slices in which
nobody drew lesions got those of a teacher network, with what it doubts left out. No DICOM series
was trained on.
{remark}
## Split

By image source, in `training/data/splits.toml`, written before the first training, and for COVID-CT
its official split without two images that stand in both classes. The drawn slices name no patient;
slices of one patient found by comparing all pairs stay on one side. The lesion threshold
({segmentation.lesion_threshold:g}) was chosen on 6 validation slices; temperature
({classification.calibration.temperature:.2f}) and thresholds of the classifier on folds of the
official train split that a member did not see.

## Limits

- Lesion outlines were learnt from few drawn slices and from pseudo-labels, all of COVID-19, and
  from synthetic opacities. Other pneumonia is untested.
- Any opacity counts: oedema, haemorrhage, fibrosis, contusion, tumour and dependent atelectasis
  look alike to the segmentation.
- "Viral pattern" means: like the COVID-19 figures of COVID-CT, unlike its other figures, which are
  tumours, other pneumonia, normal lungs and more, from other journals. Part of what tells the two
  apart is how figures of that time were made (see the floor of seven image statistics), and
  nothing here was tested on bacterial against viral pneumonia of one hospital.
- Crazy paving, air bronchogram and septal thickening were learnt from about ten slices each: take
  their probabilities as hints.
- No subgroup by sex, age or manufacturer could be scored: the training sets do not name them.
- Effusion and collapsed lung without air may be left out of the lung.
- Each slice is read alone; children and contrast phases were not studied. Nothing was validated on
  a clinical population. No lesion volumes could be checked against a 3-D truth but the phantom's.

## How it was made

{_made(made)}
"""


_CALIBRATED_ON = (
    "24 training slices of each segmentation set and 96 training views (drawn with seed 0)"
)
