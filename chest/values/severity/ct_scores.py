"""Severity from one CT: MosMed CT-0 to CT-4 and the CT severity score of five lobes."""

from __future__ import annotations

from chest.values.figures import Side
from chest.values.lobe import Lobe
from chest.values.severity.bands import Band, Bands, points_of
from chest.values.severity.imaging import ImagingFindings, Pneumonia
from chest.values.severity.score import Input, Score
from chest.values.severity.titles import listed

MOSMED = "MosMed CT grade"
MOSMED_SOURCE = "Morozov et al. 2020, arXiv:2005.06465 (Class C annotation)"

# CT-1: less than 25 %; CT-2: between 25 and 50 %; CT-3: between 50 and 75 %; CT-4: exceeds 75 %.
# The source lets 50 % stand in two grades; ours: the worse one.
MOSMED_BANDS: Bands = (Band(">", 75, 4), Band(">=", 50, 3), Band(">=", 25, 2))
_MOSMED_LEAST = 1  # pneumonia with any smaller share

CT_SEVERITY = "CT severity score"
CT_SEVERITY_SOURCE = "Pan et al. 2020, Radiology 295:715, doi:10.1148/radiol.2020200370"

# 0: none; 1: < 5 %; 2: 5 to 25 %; 3: 26 to 49 %; 4: 50 to 75 %; 5: > 75 %, each of five lobes.
# The source estimates whole per cents by eye; ours: what lies between 25 and 26 is above 25, and
# what lies between 49 and 50 is below 50. Both are 3.
LOBE_BANDS: Bands = (
    Band(">", 75, 5),
    Band(">=", 50, 4),
    Band(">", 25, 3),
    Band(">=", 5, 2),
    Band(">", 0, 1),
)

_UNDETERMINED = "Not computed: whether there is pneumonia is undetermined."
_NO_PNEUMONIA = "No pneumonia was found: what was measured is not counted as its lesion."
_BY_SHARE = "By share of the worse lung alone; the source also describes the kind of lesion."

_LUNGS = {Side.RIGHT: "right_lung", Side.LEFT: "left_lung"}


def mosmed_grade(imaging: ImagingFindings) -> Score:
    """Grade a CT by the share of the worse lung.

    Morozov et al. 2020, arXiv:2005.06465. That the worse of two lungs decides is not said there;
    it is how radiologists apply the grades, and the cautious side.

    Returns
    -------
    Value 0 to 4 and grade "CT-0" to "CT-4". With one lung measured the grade is only a lower limit,
    unless it is the highest.
    """
    shares = {side: imaging.share_percent.get(side) for side in _LUNGS}
    inputs = (
        Input("pneumonia", imaging.pneumonia.value),
        *(Input(_LUNGS[side], _plain(share), "%") for side, share in shares.items()),
    )
    given = [share for share in shares.values() if share is not None]
    missing = tuple(_LUNGS[side] for side, share in shares.items() if share is None)
    if imaging.pneumonia is Pneumonia.UNDETERMINED:
        return Score(MOSMED, MOSMED_SOURCE, inputs=inputs, missing=missing, note=_UNDETERMINED)
    if imaging.pneumonia is Pneumonia.NO:
        note = _NO_PNEUMONIA if any(given) else "No pneumonia was found."
        return Score(MOSMED, MOSMED_SOURCE, 0, "CT-0", inputs=inputs, note=note)
    if not given:
        note = f"Not computed: {listed(missing)} missing."
        return Score(MOSMED, MOSMED_SOURCE, inputs=inputs, missing=missing, note=note)
    value = points_of(max(given), MOSMED_BANDS, _MOSMED_LEAST)
    grade = f"CT-{value}"
    if not missing:
        return Score(MOSMED, MOSMED_SOURCE, value, grade, inputs=inputs, note=_BY_SHARE)
    certain = value == max(band.points for band in MOSMED_BANDS)
    return Score(
        MOSMED,
        MOSMED_SOURCE,
        grade=grade if certain else None,
        at_least=None if certain else grade,
        inputs=inputs,
        missing=missing,
        note=f"Missing: {listed(missing)}. {_BY_SHARE}",
    )


def ct_severity_score(imaging: ImagingFindings) -> Score:
    """Sum the scores of the five lobes, 0 to 25.

    Pan et al. 2020, Radiology 295:715. All five lobes, or no score: zones are not lobes. The
    source has no groups.
    """
    lobes = {lobe: imaging.lobe_share_percent.get(lobe) for lobe in Lobe}
    missing = tuple(lobe.value for lobe, share in lobes.items() if share is None)
    counted = {
        Pneumonia.YES: LOBE_BANDS,
        Pneumonia.NO: (),
        Pneumonia.UNDETERMINED: None,
    }[imaging.pneumonia]
    points = {
        lobe: None if share is None or counted is None else points_of(share, counted)
        for lobe, share in lobes.items()
    }
    inputs = (
        Input("pneumonia", imaging.pneumonia.value),
        *(Input(lobe.value, _plain(share), "%", points[lobe]) for lobe, share in lobes.items()),
    )
    known = [one for one in points.values() if one is not None]
    if len(known) == len(Lobe):
        no_pneumonia = _NO_PNEUMONIA if any(lobes.values()) else "No pneumonia was found."
        note = no_pneumonia if imaging.pneumonia is Pneumonia.NO else "Sum of the five lobes."
        return Score(
            CT_SEVERITY, CT_SEVERITY_SOURCE, sum(known), inputs=inputs, note=note, unit="points"
        )
    note = (
        f"Not computed: share missing of {_lobes(missing)}; zones do not stand in for lobes."
        if missing
        else _UNDETERMINED
    )
    return Score(CT_SEVERITY, CT_SEVERITY_SOURCE, inputs=inputs, missing=missing, note=note)


def _lobes(names: tuple[str, ...]) -> str:
    """Lobes as part of a sentence, shorter than by the titles of their shares."""
    return ", ".join(Lobe(name).words for name in names)


def _plain(share: float | None) -> float | None:
    """A number of Python, whatever the caller measured with."""
    return None if share is None else float(share)
