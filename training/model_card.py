"""The model card: generated from the evaluation, so that it cannot claim anything else."""

from __future__ import annotations

from training.evaluate import Report
from training.export import Agreement
from training.network import ChestNet, parameter_count

INTENDED_USE = (
    "Research use only. Orders a reading list of adult chest CT by suspicion of pneumonia; "
    "measures lungs and opacities. Not for diagnosis, not for excluding disease."
)

LICENCES = (
    (
        "COVID-SemiSeg (Fan et al. 2020): 50 slices drawn by doctors, 400 pseudo-labelled",
        "non-commercial purposes only",
    ),
    ("Finding Lungs in CT Data: 214 slices with lung masks", "not found"),
    ("LUNA16 / LIDC-IDRI: 499 unlabelled slices, taken as without pneumonia", "CC BY 3.0"),
    ("public course project: 416 normal slices, weak labels", "not found"),
)


def _licence_table() -> str:
    rows = "\n".join(f"| {data} | {licence} |" for data, licence in LICENCES)
    return f"| data | licence as found |\n|---|---|\n{rows}"


def _result_table(report: Report) -> str:
    rows = (
        ("both lungs, Dice", "lungs2d, 40 patients", report.lung),
        ("right lung, Dice", "the same", report.right),
        ("left lung, Dice", "the same", report.left),
        ("any opacity, Dice", "drawn by doctors, 14 slices", report.lesion),
        ("ground glass, Dice", "those of them that show it", report.ground_glass),
        ("consolidation, Dice", "those of them that show it", report.consolidation),
        (
            "any opacity, Dice",
            "pseudo-labels of 3 other cases: agreement with another network, no truth",
            report.lesion_on_pseudo,
        ),
        (
            "lung called opacity, %",
            "slices taken as without pneumonia, that show lung",
            report.false_share_percent,
        ),
    )
    lines = "\n".join(f"| {what} | {where} | {value} |" for what, where, value in rows)
    return f"| what | on | mean [95 % interval], slices |\n|---|---|---|\n{lines}"


def model_card(
    name: str,
    version: str,
    network: ChestNet,
    report: Report,
    agreement: Agreement,
    remark: str = "",
) -> str:
    """Write the card as Markdown."""
    remarked = f"\n{remark}\n" if remark else ""
    point = report.point
    return f"""\
# {name} {version}

**RESEARCH USE ONLY.** Part of the training data is for non-commercial use only.

## Intended use

{INTENDED_USE}

## What it is

A 2-D U-Net of {parameter_count(network) / 1e6:.2f} M parameters whose heavy part works at half
resolution. Input: one axial slice on 256 × 256, HU −1250…250 mapped to 0…1. Outputs: lung
(background, right, left) and lesion (none, ground glass, consolidation) as probabilities.
Exported to ONNX; ONNX Runtime and PyTorch differ by at most {agreement.largest_difference:.1e}.

The suspicion score is logistic in the logarithm of the lesion share of both lungs: 0.5 at
{point.even_share_percent:g} %, slope {point.slope:g} a decade; at or above
{point.suspicion_threshold:g} a study is suspected. Both numbers were fitted on the training side,
where no labelled volumes were at hand: slices of one pseudo-labelled case, and runs of 20 slices
without pneumonia, stand in for studies. A first rule (halfway between two percentiles) had put
the even share at 1.27 %, where one real study with COVID-19 fell just short of it; that study
led to the logistic fit and is no independent check of it.

## Trained on

{_licence_table()}

Synthetic opacities were painted into the slices without pneumonia. Slices without lung masks got
those of a first network, joined with their lesions. 8-bit figures were brought to approximate HU
by their peaks of aerated lung and soft tissue. No DICOM series was trained on.
{remarked}
## Split

By image source, in `training/splits.toml`, written before the first training. The drawn slices
name no patient; slices of one patient found by comparing all pairs stay on one side. The lesion
threshold ({report.lesion_threshold:g}) was chosen on 6 validation slices (Dice there:
{report.validation_lesion_dice}); the held-out part chose nothing.

## Results on the held-out part

{_result_table(report)}

Telling the drawn slices from those without pneumonia by lesion share: AUC {report.slice_auc:.3f}.
The two come from different origins, so this flatters. Suspected at the operating point, with
slices of one source standing in for a study: {report.diseased_suspected[0]} of
{report.diseased_suspected[1]} held-out pseudo-labelled cases, {report.clear_suspected[0]} of
{report.clear_suspected[1]} runs of held-out slices without pneumonia.

Intervals: percentile bootstrap over slices, 10 000 resamples. Slices are not independent where
they are of one patient, so the true intervals are wider.

## Limits

- Lesion outlines were learnt from 30 drawn slices and another network's pseudo-labels, all of
  COVID-19, and from synthetic opacities. Other pneumonia is untested.
- Any opacity counts: oedema, haemorrhage, fibrosis, contusion, tumour and dependent atelectasis
  look alike to it. It does not tell their causes apart.
- Effusion and collapsed lung without air may be left out of the lung.
- Each slice is read alone; slices thicker than 5 mm, children, and contrast phases were not
  studied. Nothing was validated on a clinical population.
- No lesion volumes could be checked against a 3-D truth.
"""
