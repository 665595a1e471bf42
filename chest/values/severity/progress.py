"""Severity from two CTs: growth of lesions by more than half within 24 to 48 hours."""

from __future__ import annotations

from chest.values.severity.imaging import ImagingFindings, Pneumonia
from chest.values.severity.score import Input, Score
from chest.values.severity.titles import listed, title_of, unit_of
from radiology.clinical import LesionMeasurement

NAME = "Lesion progress"
SOURCE = (
    "National Health Commission of China, Diagnosis and Treatment Protocol for Novel Coronavirus "
    "Pneumonia, trial version 7 (3 March 2020), clinical classification, imaging"
)

SEVERE = "severe"
NOT_MET = "criterion not met"

MORE_THAN_PERCENT = 50.0  # trial version 7: obvious progress of more than 50 %
LEAST_HOURS, MOST_HOURS = 24.0, 48.0  # trial version 7: within 24 to 48 hours

# The guideline does not say what is measured; ours: the volume, else the share of both lungs.
_QUANTITIES = ("lesion_volume_ml", "lesion_share_percent")


def lesion_progress(imaging: ImagingFindings) -> Score:
    """Compare the lesions of two studies by the imaging criterion of the guideline.

    Growth is relative to the prior study. Nothing is extrapolated: outside 24 to 48 hours, without
    a prior study, with a prior study that showed no lesion, or without pneumonia, there is no
    answer: what was measured without pneumonia is not its lesion, and a trace of it grows easily.

    Returns
    -------
    Value: growth in per cent, negative when lesions became less. Grade: "severe" above 50 %,
    else "criterion not met".
    """
    now, prior = imaging.measurement, imaging.prior
    if now is None or prior is None:
        missing = tuple(
            name
            for name, measurement in (("measurement", now), ("prior_measurement", prior))
            if measurement is None
        )
        return _not_computed((), missing, f"{listed(missing)} missing")
    if imaging.pneumonia is Pneumonia.NO:
        return _not_computed((), (), "no pneumonia was found in this study")
    if (now.acquired_at.tzinfo is None) != (prior.acquired_at.tzinfo is None):
        return _not_computed((), (), "only one of the two studies tells its time zone")
    hours = (now.acquired_at - prior.acquired_at).total_seconds() / 3600.0
    interval = Input("interval_hours", hours, unit_of("interval_hours"))
    quantity = _common_quantity(now, prior)
    if quantity is None:
        return _not_computed(
            (interval,), _QUANTITIES, "the studies have neither volume nor share in common"
        )
    after, before = float(getattr(now, quantity)), float(getattr(prior, quantity))
    unit = unit_of(quantity)
    inputs = (Input(f"prior_{quantity}", before, unit), Input(quantity, after, unit), interval)
    if not LEAST_HOURS <= hours <= MOST_HOURS:
        return _not_computed(
            inputs, (), f"the studies lie {hours:.1f} h apart, the guideline asks for 24 to 48 h"
        )
    if before == 0:
        return _not_computed(inputs, (), "the prior study showed no lesion to grow from")
    growth = 100.0 * (after - before) / before
    met = growth > MORE_THAN_PERCENT
    return Score(
        NAME,
        SOURCE,
        growth,
        SEVERE if met else NOT_MET,
        inputs=(*inputs, Input("growth_percent", growth, "%", met=met)),
        note=(
            f"Compared {title_of(quantity)}: {before:.1f} {unit}, then {after:.1f} {unit} "
            f"{hours:.1f} h later ({growth:+.0f} %; severe above +{MORE_THAN_PERCENT:.0f} %)."
        ),
        unit="%",
    )


def _common_quantity(now: LesionMeasurement, prior: LesionMeasurement) -> str | None:
    """The first quantity that both studies have."""
    for name in _QUANTITIES:
        if getattr(now, name) is not None and getattr(prior, name) is not None:
            return name
    return None


def _not_computed(inputs: tuple[Input, ...], missing: tuple[str, ...], reason: str) -> Score:
    """Say why there is no comparison, and still what was looked at."""
    return Score(NAME, SOURCE, inputs=inputs, missing=missing, note=f"Not computed: {reason}.")
