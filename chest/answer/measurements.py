"""Measurements of a chest, rounded to what they are worth."""

from __future__ import annotations

from chest import chest_codes
from chest.values.change import Change
from chest.values.figures import LungFigures, Side
from chest.values.reading import ChestReading
from chest.values.territory import TerritoryFigures
from radiology import codes
from radiology.answer.measurement import Measurement
from radiology.codes import Code


def share(concept: Code, of_one: float) -> Measurement:
    """A share of 1, in percent to 0.1 %."""
    return Measurement(concept, 100.0 * of_one, codes.PERCENT, decimals=1)


def percent(concept: Code, share_percent: float) -> Measurement:
    """A share that is given in percent, to 0.01 %: of a lung that is half a millilitre."""
    return Measurement(concept, share_percent, codes.PERCENT, decimals=2)


def volume(concept: Code, volume_ml: float) -> Measurement:
    """A volume, to 0.01 ml."""
    return Measurement(concept, volume_ml, codes.MILLILITRE, decimals=2)


def attenuation(concept: Code, mean_hu: float) -> Measurement:
    """A mean attenuation, to 0.1 HU."""
    return Measurement(concept, mean_hu, codes.HOUNSFIELD_UNIT, decimals=1)


def slices(count: int) -> Measurement:
    """On how many slices something lies."""
    return Measurement(codes.SLICES_INVOLVED, count, codes.SLICES)


def by_class(figures: LungFigures | TerritoryFigures) -> tuple[Measurement, ...]:
    """The lesions of a lung or a territory by class."""
    return (
        volume(chest_codes.GROUND_GLASS_VOLUME, figures.ground_glass_ml),
        volume(chest_codes.CONSOLIDATION_VOLUME, figures.consolidation_ml),
    )


def lesions_in(figures: LungFigures | TerritoryFigures) -> tuple[Measurement, ...]:
    """Mean attenuation of lesions and their volume by class, where there are any."""
    if figures.lesion_mean_hu is None:
        return ()
    return (attenuation(chest_codes.LESION_ATTENUATION, figures.lesion_mean_hu), *by_class(figures))


def changes(change: Change | None) -> tuple[Measurement, ...]:
    """Lesion volume then, how much more it is now, and the growth where there was any then."""
    if change is None:
        return ()
    then_ml, now_ml = change.then.lesion_volume_ml, change.now.lesion_volume_ml
    told = (
        volume(chest_codes.PRIOR_LESION_VOLUME, then_ml),
        volume(chest_codes.LESION_VOLUME_CHANGE, now_ml - then_ml),
    )
    growth = change.lesion_growth_percent
    return told if growth is None else (*told, percent(chest_codes.LESION_GROWTH, growth))


def lung_change(reading: ChestReading, side: Side) -> Change | None:
    """What changed in a lung since the latest earlier CT; None where nothing was compared."""
    prior = None if reading.course is None else reading.course.latest
    return None if prior is None else prior.lungs.get(side)
