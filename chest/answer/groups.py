"""The groups of a chest's measurements: the answer, signs, severity, lesions, lungs, territories.

A reading that is not assessable has the answer alone: figures beside it would be read.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chest.answer.measurements import (
    attenuation,
    by_class,
    changes,
    lesions_in,
    percent,
    share,
    slices,
    volume,
)
from chest.answer.regions import (
    CONSOLIDATION,
    GROUND_GLASS,
    IN_THE_LUNGS,
    LEFT_LUNG,
    LESIONS,
    LUNGS,
    RIGHT_LUNG,
    territory_name,
)
from radiology import codes
from radiology.answer.anchor import Anchor, Mark, Placement
from radiology.answer.measurement import Measurement, MeasurementGroup
from radiology.answer.outcome_codes import PRIORITIES, SUMMARIES
from radiology.answer.statement import Statement
from radiology.chest.answer_codes import (
    CONFIDENCES,
    PNEUMONIA_TYPES,
    SEVERITY_SCORES,
)
from radiology.chest.change import Change
from radiology.chest.figures import LungFigures, Side
from radiology.chest.reading import ChestReading
from radiology.chest.regions import LesionLabel
from radiology.chest.sign import Sign
from radiology.chest.territory import Territory, TerritoryFigures
from radiology.codes import Code
from radiology.image.volume import Volume
from radiology.outcome import Outcome
from radiology.region import LabelMap
from radiology.site import Site
from radiology.urgency import Triage

ANSWER_GROUP, SIGNS_GROUP, SEVERITY_GROUP = "AI triage", "AI signs", "AI severity"
_LESION_SLICES = 3  # the key slice and two more

SIGN_CODES: dict[Sign, tuple[Code, Code]] = {
    Sign.GROUND_GLASS: (codes.GROUND_GLASS_OPACITY, codes.GROUND_GLASS_PROBABILITY),
    Sign.CONSOLIDATION: (codes.CONSOLIDATION, codes.CONSOLIDATION_PROBABILITY),
    Sign.CRAZY_PAVING: (codes.CRAZY_PAVING, codes.CRAZY_PAVING_PROBABILITY),
    Sign.AIR_BRONCHOGRAM: (codes.AIR_BRONCHOGRAM, codes.AIR_BRONCHOGRAM_PROBABILITY),
    Sign.SEPTAL_THICKENING: (codes.SEPTAL_LINES, codes.SEPTAL_LINES_PROBABILITY),
}
"""Of each sign: the sign itself, and the figure that says how probable it is."""

_SIDES = {
    Side.TOTAL: ("Both lungs", codes.BILATERAL, LUNGS),
    Side.RIGHT: ("Right lung", codes.RIGHT, (RIGHT_LUNG,)),
    Side.LEFT: ("Left lung", codes.LEFT, (LEFT_LUNG,)),
}
_PARTS: dict[str, Code] = {
    "upper lobe": codes.UPPER_LOBE,
    "middle lobe": codes.MIDDLE_LOBE,
    "lower lobe": codes.LOWER_LOBE,
    "upper zone": codes.UPPER_ZONE,
    "middle zone": codes.MIDDLE_ZONE,
    "lower zone": codes.LOWER_ZONE,
}


def chest_groups(
    reading: ChestReading, volume_read: Volume | None, triage: Triage | None
) -> tuple[MeasurementGroup, ...]:
    """Every group, the answer first."""
    return tuple(_groups(reading, volume_read, triage))


def _groups(
    reading: ChestReading, volume_read: Volume | None, triage: Triage | None
) -> Iterator[MeasurementGroup]:
    suspected = reading.outcome is Outcome.FINDINGS
    yield _answer(reading, triage)
    if reading.outcome is Outcome.NOT_ASSESSABLE:
        return
    if suspected and reading.signs:
        yield _signs(reading)
    yield from _severity(reading)
    sides = [reading.figures[side] for side in _SIDES if side in reading.figures]
    if suspected:
        for name, label, kind in (
            (GROUND_GLASS, LesionLabel.GROUND_GLASS, codes.GROUND_GLASS_OPACITY),
            (CONSOLIDATION, LesionLabel.CONSOLIDATION, codes.CONSOLIDATION),
        ):
            yield from _lesion_class(reading, volume_read, name, label, kind)
        yield from (_lesions_of_side(reading, one) for one in sides)
    yield from (_lung(reading, one) for one in sides)
    if suspected:
        yield from (_territory(reading, one) for one in _territories(reading))
    yield from (_lung_for_programs(reading, one) for one in sides if one.side is not Side.TOTAL)


def _answer(reading: ChestReading, triage: Triage | None) -> MeasurementGroup:
    """How probable, how firm, which type, how urgent; or that there is no answer."""
    suspected = reading.outcome is Outcome.FINDINGS
    lesions = LESIONS if suspected else ()
    return MeasurementGroup(
        ANSWER_GROUP,
        codes.TRIAGE,
        sites=(IN_THE_LUNGS,),
        measurements=tuple(_answer_figures(reading)),
        statements=tuple(_evaluations(reading, triage)),
        anchor=Anchor(LUNGS, mark=Mark.POINT, spared=lesions, off_centre=True),
    )


def _answer_figures(reading: ChestReading) -> Iterator[Measurement]:
    if reading.outcome is Outcome.NOT_ASSESSABLE:
        yield Measurement(codes.FAILED_CHECKS, len(reading.failed_gates), codes.CHECKS)
        return
    yield share(codes.PROBABILITY, reading.suspicion or 0.0)
    yield share(codes.THRESHOLD_VALUE, reading.suspicion_threshold)
    if reading.confidence is not None:
        yield share(codes.CONFIDENCE, reading.confidence.value)
    if reading.viral is not None and reading.viral.probability is not None:
        yield share(codes.VIRAL_PROBABILITY, reading.viral.probability)
    if reading.warnings:
        yield Measurement(codes.QUALITY_WARNINGS, len(reading.warnings), codes.CHECKS)


def _evaluations(reading: ChestReading, triage: Triage | None) -> Iterator[Statement]:
    """Outcome (CID 6047), quality, confidence, type and urgency.

    "Routine" is never said of what could not be assessed.
    """
    yield Statement(codes.PROCESSING_SUMMARY, SUMMARIES[reading.outcome])
    if reading.outcome is Outcome.NOT_ASSESSABLE:
        yield Statement(codes.QUALITY_ASSESSMENT, codes.NOT_ASSESSABLE)
    elif reading.warnings:
        yield Statement(codes.QUALITY_ASSESSMENT, codes.USABLE_WITH_RESERVATION)
    if reading.confidence is not None:
        yield Statement(codes.CONFIDENCE, CONFIDENCES[reading.confidence.word])
    if reading.pneumonia_type is not None:
        yield Statement(codes.PNEUMONIA_TYPE, PNEUMONIA_TYPES[reading.pneumonia_type])
    if triage is not None:
        yield Statement(codes.PRIORITY, PRIORITIES[triage.urgency])


def _signs(reading: ChestReading) -> MeasurementGroup:
    """How probable each sign is, and whether it is said to be there, in one group.

    A group for each would be listed under the sign's name by viewers that do not show whether it
    is present.
    """
    return MeasurementGroup(
        SIGNS_GROUP,
        codes.SIGNS,
        sites=(IN_THE_LUNGS,),
        measurements=tuple(
            share(SIGN_CODES[one.sign][1], one.probability) for one in reading.signs
        ),
        statements=tuple(
            Statement(SIGN_CODES[one.sign][0], codes.PRESENT if one.present else codes.ABSENT)
            for one in reading.signs
        ),
        anchor=_beside_the_answer(reading, 1),
    )


def _severity(reading: ChestReading) -> Iterator[MeasurementGroup]:
    """The scores that the images alone gave; the others are told in words, with what is missing."""
    scores = () if reading.severity is None else reading.severity.scores
    told = tuple(
        Measurement(SEVERITY_SCORES[score.name], score.value, codes.NO_UNIT)
        for score in scores
        if score.name in SEVERITY_SCORES and score.value is not None
    )
    if told:
        yield MeasurementGroup(
            SEVERITY_GROUP,
            codes.SEVERITY,
            sites=(IN_THE_LUNGS,),
            measurements=told,
            anchor=_beside_the_answer(reading, 2),
        )


def _beside_the_answer(reading: ChestReading, place: int) -> Anchor:
    """On other slices than the answer, inside what raised the suspicion."""
    shown = (
        reading.outcome is Outcome.FINDINGS
        and reading.regions is not None
        and reading.regions.lesions.any()
    )
    return Anchor(LESIONS if shown else LUNGS, mark=Mark.POINT, place=place)


def _lesion_class(
    reading: ChestReading, volume_read: Volume | None, name: str, label: LesionLabel, kind: Code
) -> Iterator[MeasurementGroup]:
    """A lesion class in both lungs, outlined; tracked as its segment is."""
    if reading.regions is None or volume_read is None:
        return
    found = _attenuation(reading.regions.lesions, label, volume_read)
    if found is None:
        return
    mean, involved = found
    told: list[Measurement] = []
    total = reading.figures.get(Side.TOTAL)
    if total is not None:
        is_ground_glass = label is LesionLabel.GROUND_GLASS
        volume_ml = total.ground_glass_ml if is_ground_glass else total.consolidation_ml
        told.append(volume(codes.VOLUME, volume_ml))
        if total.lung_volume_ml > 0:
            told.append(percent(codes.LESION_SHARE, 100.0 * (volume_ml / total.lung_volume_ml)))
    told.append(attenuation(codes.MEAN_ATTENUATION, mean))
    told.append(slices(involved))
    yield MeasurementGroup(
        name,
        kind,
        category=codes.ABNORMAL_STRUCTURE,
        sites=(IN_THE_LUNGS,),
        measurements=tuple(told),
        regions=(name,),
        anchor=Anchor((name,), placement=Placement.LEADING, slices=_LESION_SLICES),
    )


def _attenuation(
    lesions: LabelMap, label: LesionLabel, volume_read: Volume
) -> tuple[float, int] | None:
    """Mean attenuation of a class in HU and its slices, slice by slice: a mask would be large."""
    total, count, involved = 0.0, 0, 0
    for labels, hounsfield in zip(lesions, volume_read.hounsfield, strict=True):
        inside = hounsfield[labels == np.uint8(label)]
        if inside.size:
            total += float(inside.sum(dtype=np.float64))
            count += inside.size
            involved += 1
    return (total / count, involved) if count else None


def _lesions_of_side(reading: ChestReading, of_side: LungFigures) -> MeasurementGroup:
    """What the lesions of a lung, or of both, amount to."""
    name, laterality, lungs = _SIDES[of_side.side]
    is_total = of_side.side is Side.TOTAL
    change = _lung_change(reading, of_side.side)
    mean = of_side.lesion_mean_hu
    return MeasurementGroup(
        f"{name}, lesions",
        codes.ABNORMAL_OPACITY,
        category=codes.ABNORMAL_STRUCTURE,
        sites=(Site(codes.LUNG, laterality),),
        measurements=(
            volume(codes.VOLUME, of_side.lesion_volume_ml),
            percent(codes.LESION_SHARE, of_side.lesion_share_percent),
            *changes(change),
            *(() if mean is None else (attenuation(codes.MEAN_ATTENUATION, mean),)),
            *by_class(of_side),
            slices(of_side.slices_involved),
        ),
        regions=LESIONS,
        anchor=Anchor(
            LESIONS,
            within=() if is_total else lungs,
            mark=Mark.POINT,
            placement=Placement.KEY if is_total else Placement.BESIDE,
            halves=lungs if is_total else (),
        ),
        compared=change is not None,
    )


def _lung(reading: ChestReading, of_side: LungFigures) -> MeasurementGroup:
    """The volume of a lung, outlined, or of both."""
    name, laterality, lungs = _SIDES[of_side.side]
    suspected = reading.outcome is Outcome.FINDINGS
    return MeasurementGroup(
        name,
        codes.LUNG,
        category=codes.ANATOMICAL_STRUCTURE,
        sites=(Site(codes.LUNG, laterality),),
        measurements=(volume(codes.VOLUME, of_side.lung_volume_ml),),
        regions=lungs,
        anchor=Anchor(
            lungs,
            mark=Mark.POINT if of_side.side is Side.TOTAL else Mark.OUTLINE,
            placement=Placement.BESIDE if suspected else Placement.KEY,
        ),
    )


def _lung_for_programs(reading: ChestReading, of_side: LungFigures) -> MeasurementGroup:
    """A lung with its lesions in one group, as the measurements of its segment."""
    name, laterality, lungs = _SIDES[of_side.side]
    change = _lung_change(reading, of_side.side)
    return MeasurementGroup(
        name,
        codes.LUNG,
        category=codes.ANATOMICAL_STRUCTURE,
        sites=(Site(codes.LUNG, laterality),),
        measurements=(
            volume(codes.VOLUME, of_side.lung_volume_ml),
            volume(codes.LESION_VOLUME, of_side.lesion_volume_ml),
            percent(codes.LESION_SHARE, of_side.lesion_share_percent),
            *lesions_in(of_side),
            *changes(change),
        ),
        regions=lungs,
        compared=change is not None,
    )


def _lung_change(reading: ChestReading, side: Side) -> Change | None:
    prior = None if reading.course is None else reading.course.latest
    return None if prior is None else prior.lungs.get(side)


def _territories(reading: ChestReading) -> list[TerritoryFigures]:
    """Lobes or zones with a voxel at least, from right to left and from top to bottom."""
    order = list(Territory)
    drawn = Territory if reading.divided is None else set(reading.divided.names.values())
    found = [one for one in reading.territories if one.volume_ml > 0 and one.territory in drawn]
    return sorted(found, key=lambda one: order.index(one.territory))


def _territory(reading: ChestReading, figures: TerritoryFigures) -> MeasurementGroup:
    """A lobe or a zone: its volume, what of it is lesion, and what changed in it."""
    territory = figures.territory
    prior = None if reading.course is None else reading.course.latest
    change = None if prior is None else prior.territories.get(territory)
    share_of = codes.SHARE_OF_LOBE if territory.is_lobe else codes.SHARE_OF_ZONE
    name = territory_name(territory)
    return MeasurementGroup(
        name,
        codes.LOBE_OF_LUNG if territory.is_lobe else codes.ZONE_OF_LUNG,
        category=codes.ANATOMICAL_STRUCTURE,
        sites=_sites(territory),
        measurements=(
            volume(codes.VOLUME, figures.volume_ml),
            volume(codes.LESION_VOLUME, figures.lesion_volume_ml),
            percent(share_of, figures.lesion_share_percent),
            *lesions_in(figures),
            *changes(change),
        ),
        regions=(name,),
        anchor=Anchor((name,), placement=Placement.BESIDE),
        compared=change is not None,
    )


def _sites(territory: Territory) -> tuple[Site, ...]:
    """Where it is; an upper and middle lobe that were not told apart are two places."""
    laterality = codes.RIGHT if territory.side is Side.RIGHT else codes.LEFT
    parts = (
        (codes.UPPER_LOBE, codes.MIDDLE_LOBE)
        if territory is Territory.RIGHT_UPPER_AND_MIDDLE_LOBE
        else (_PARTS[territory.value.split(" ", 1)[1]],)
    )
    return tuple(Site(part, laterality) for part in parts)
