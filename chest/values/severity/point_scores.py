"""The published point scores: 4C Mortality, CURB-65 and qCSI."""

from __future__ import annotations

from chest.values.severity.bands import Band, Bands, points_of
from chest.values.severity.points import (
    Item,
    PointRule,
    RiskGroup,
    add_up,
    banded,
    outside_the_rule,
)
from chest.values.severity.score import Input, Score
from radiology.clinical import ClinicalValues, Ventilation
from radiology.clinical.values import ADULT_YEARS
from radiology.sex import Sex

_CHILD = "the score was made for adults"  # all three were

# Knight et al. 2020, table 2 (points); groups with the mortality of the validation cohort.
FOUR_C = PointRule(
    "4C Mortality Score",
    "Knight et al. 2020, BMJ 370:m3339, doi:10.1136/bmj.m3339",
    (
        RiskGroup(3, "low", "1.2 % died in hospital (validation cohort)"),
        RiskGroup(8, "intermediate", "9.9 % died in hospital (validation cohort)"),
        RiskGroup(14, "high", "31.4 % died in hospital (validation cohort)"),
        RiskGroup(21, "very high", "61.5 % died in hospital (validation cohort)"),
    ),
    "For adults admitted with COVID-19; cohort of the United Kingdom, February to June 2020.",
)
FOUR_C_BANDS: dict[str, Bands] = {
    "age_years": (Band(">=", 80, 7), Band(">=", 70, 6), Band(">=", 60, 4), Band(">=", 50, 2)),
    "sex": (Band("==", Sex.MALE, 1),),
    "comorbidity_count": (Band(">=", 2, 2), Band(">=", 1, 1)),
    "respiratory_rate_per_min": (Band(">=", 30, 2), Band(">=", 20, 1)),
    "spo2_percent": (Band("<", 92, 2),),
    "gcs": (Band("<", 15, 2),),
    "urea_mmol_l": (Band(">", 14, 3), Band(">=", 7, 1)),
    "crp_mg_l": (Band(">=", 100, 2), Band(">=", 50, 1)),
}

# Lim et al. 2003: one point each. 30-day mortality by group; that of single scores is given in
# several versions (the abstract itself prints 3 % for a score of 2 and 17 % for 3).
CURB_65 = PointRule(
    "CURB-65",
    "Lim et al. 2003, Thorax 58:377, doi:10.1136/thorax.58.5.377",
    (
        RiskGroup(1, "low", "1.5 % died within 30 days"),
        RiskGroup(2, "intermediate", "9.2 % died within 30 days"),
        RiskGroup(5, "high", "22 % died within 30 days"),
    ),
    "For adults with community-acquired pneumonia of any cause, on arrival.",
)
CURB_65_BANDS: dict[str, Bands] = {
    "confusion": (Band("==", True, 1),),
    "urea_mmol_l": (Band(">", 7, 1),),
    "respiratory_rate_per_min": (Band(">=", 30, 1),),
    "systolic_mmhg": (Band("<", 90, 1),),
    "diastolic_mmhg": (Band("<=", 60, 1),),
    "age_years": (Band(">=", 65, 1),),
}

# Haimovich et al. 2020, table 2. Between the whole numbers of the table a value belongs to the
# worse row once it is past the better one's limit: 22.5 /min is above 22, 88.5 % is above 88.
QCSI = PointRule(
    "qCSI",
    "Haimovich et al. 2020, Ann Emerg Med 76:442, doi:10.1016/j.annemergmed.2020.07.022",
    (
        RiskGroup(3, "low", "4 % had respiratory failure within 24 hours"),
        RiskGroup(6, "low-intermediate", "30 % had respiratory failure within 24 hours"),
        RiskGroup(9, "high-intermediate", "44 % had respiratory failure within 24 hours"),
        RiskGroup(12, "high", "57 % had respiratory failure within 24 hours"),
    ),
    "For adults admitted with COVID-19 who need at most 6 l/min of oxygen; SpO2 is the lowest of "
    "the first four hours.",
)
QCSI_BANDS: dict[str, Bands] = {
    "respiratory_rate_per_min": (Band(">", 28, 2), Band(">", 22, 1)),
    "spo2_percent": (Band("<=", 88, 5), Band("<=", 92, 2)),
    "oxygen_flow_l_min": (Band(">", 4, 5), Band(">", 2, 4)),
}
QCSI_MOST_FLOW_L_MIN = 6  # patients of the study needed 6 l/min or less


def four_c_mortality(values: ClinicalValues) -> Score:
    """4C Mortality Score, 0 to 21: risk of death in hospital with COVID-19."""
    items = [
        _saturation_on_air(values) if name == "spo2_percent" else banded(values, name, bands)
        for name, bands in FOUR_C_BANDS.items()
    ]
    return _for_adults(FOUR_C, values, items)


def curb_65(values: ClinicalValues) -> Score:
    """CURB-65, 0 to 5: risk of death within 30 days with community-acquired pneumonia."""
    items = [
        _low_pressure(values) if name == "systolic_mmhg" else banded(values, name, bands)
        for name, bands in CURB_65_BANDS.items()
        if name != "diastolic_mmhg"
    ]
    return _for_adults(CURB_65, values, items)


def qcsi(values: ClinicalValues) -> Score:
    """Quick COVID-19 Severity Index, 0 to 12: respiratory failure within 24 hours."""
    items = [
        _oxygen_flow(values) if name == "oxygen_flow_l_min" else banded(values, name, bands)
        for name, bands in QCSI_BANDS.items()
    ]
    flow = values.oxygen_flow_l_min
    if flow is not None and flow > QCSI_MOST_FLOW_L_MIN:
        return outside_the_rule(QCSI, items, "more than 6 l/min of oxygen is outside the score")
    if values.ventilation not in (None, Ventilation.NONE):
        return outside_the_rule(QCSI, items, "a ventilated patient is outside the score")
    return _for_adults(QCSI, values, items)


def _for_adults(rule: PointRule, values: ClinicalValues, items: list[Item]) -> Score:
    """Sum, unless the patient is known to be younger than the patients of the rule's source."""
    if values.age_years is not None and values.age_years < ADULT_YEARS:
        return outside_the_rule(rule, items, _CHILD)
    return add_up(rule, items)


def _saturation_on_air(values: ClinicalValues) -> Item:
    """The line of the 4C score that asks for SpO2 on room air.

    Under oxygen a low SpO2 counts, as it would be no higher on air; a good value says nothing.
    """
    bands = FOUR_C_BANDS["spo2_percent"]
    item = banded(values, "spo2_percent", bands)
    oxygen = Input("on_oxygen", values.on_oxygen)
    if item.points or (item.points == 0 and values.on_oxygen is False):
        return Item(item.points, item.most, (*item.inputs, oxygen))
    inputs = (Input("spo2_percent", values.spo2_percent, "%"), oxygen)
    missing = tuple(one.name for one in inputs if one.value is None)
    return Item(None, item.most, inputs, missing or ("spo2_on_room_air",))


def _low_pressure(values: ClinicalValues) -> Item:
    """The line of CURB-65 that either of two pressures fulfils."""
    parts = [
        banded(values, name, CURB_65_BANDS[name]) for name in ("systolic_mmhg", "diastolic_mmhg")
    ]
    inputs = tuple(one for part in parts for one in part.inputs)
    if any(part.points for part in parts):
        # One point for both together: the table must not seem to give two.
        counted = next(n for n, part in enumerate(parts) if part.points)
        shown = tuple(
            Input(
                given.name,
                given.value,
                given.unit,
                None if given.value is None else int(n == counted),
            )
            for n, given in enumerate(inputs)
        )
        return Item(1, 1, shown)
    missing = tuple(name for part in parts for name in part.missing)
    return Item(None if missing else 0, 1, inputs, missing)


def _oxygen_flow(values: ClinicalValues) -> Item:
    """The line of qCSI that asks for the flow: none when no oxygen is given."""
    name = "oxygen_flow_l_min"
    if values.oxygen_flow_l_min is None and values.on_oxygen is False:
        points = points_of(0.0, QCSI_BANDS[name])
        return Item(points, points, (Input(name, 0.0, "l/min", points),))
    return banded(values, name, QCSI_BANDS[name])
