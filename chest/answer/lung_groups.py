"""The groups of the lungs, and of the lobes or zones that they were divided into."""

from __future__ import annotations

from chest import chest_codes
from chest.answer.measurements import changes, lesions_in, lung_change, percent, volume
from chest.answer.regions import SIDES, territory_name
from chest.values.figures import LungFigures, Side
from chest.values.reading import ChestReading
from chest.values.territory import Territory, TerritoryFigures
from radiology import codes
from radiology.answer.anchor import Anchor, AnchorPlacement, Mark
from radiology.answer.measurement import Measurement, MeasurementGroup
from radiology.codes import Code
from radiology.outcome import Outcome
from radiology.site import Site

_PARTS: dict[str, Code] = {
    "upper lobe": chest_codes.UPPER_LOBE,
    "middle lobe": chest_codes.MIDDLE_LOBE,
    "lower lobe": chest_codes.LOWER_LOBE,
    "upper zone": chest_codes.UPPER_ZONE,
    "middle zone": chest_codes.MIDDLE_ZONE,
    "lower zone": chest_codes.LOWER_ZONE,
}


def lung_group(reading: ChestReading, of_side: LungFigures) -> MeasurementGroup:
    """The volume of a lung, outlined, or of both."""
    suspected = reading.outcome is Outcome.FINDINGS
    return _of_side(
        of_side,
        anchor=Anchor(
            SIDES[of_side.side][2],
            mark=Mark.POINT if of_side.side is Side.TOTAL else Mark.OUTLINE,
            placement=AnchorPlacement.BESIDE if suspected else AnchorPlacement.KEY,
        ),
    )


def lung_for_programs(reading: ChestReading, of_side: LungFigures) -> MeasurementGroup:
    """A lung with its lesions in one group, as the measurements of its segment."""
    change = lung_change(reading, of_side.side)
    return _of_side(
        of_side,
        volume(chest_codes.LESION_VOLUME, of_side.lesion_volume_ml),
        percent(chest_codes.LESION_SHARE, of_side.lesion_share_percent),
        *lesions_in(of_side),
        *changes(change),
        compared=change is not None,
    )


def _of_side(
    of_side: LungFigures,
    *further: Measurement,
    anchor: Anchor | None = None,
    compared: bool = False,
) -> MeasurementGroup:
    """A lung or both: the volume, and what further is measured of it."""
    name, laterality, lungs = SIDES[of_side.side]
    return MeasurementGroup(
        name,
        chest_codes.LUNG,
        category=codes.ANATOMICAL_STRUCTURE,
        sites=(Site(chest_codes.LUNG, laterality),),
        measurements=(volume(codes.VOLUME, of_side.lung_volume_ml), *further),
        regions=lungs,
        anchor=anchor,
        compared=compared,
    )


def drawn_territories(reading: ChestReading) -> list[TerritoryFigures]:
    """Lobes or zones with a voxel at least, from right to left and from top to bottom."""
    order = list(Territory)
    drawn = Territory if reading.divided is None else set(reading.divided.names.values())
    found = [one for one in reading.territories if one.volume_ml > 0 and one.territory in drawn]
    return sorted(found, key=lambda one: order.index(one.territory))


def territory_group(reading: ChestReading, figures: TerritoryFigures) -> MeasurementGroup:
    """A lobe or a zone: its volume, what of it is lesion, and what changed in it."""
    territory = figures.territory
    prior = None if reading.course is None else reading.course.latest
    change = None if prior is None else prior.territories.get(territory)
    share_of = chest_codes.SHARE_OF_LOBE if territory.is_lobe else chest_codes.SHARE_OF_ZONE
    name = territory_name(territory)
    return MeasurementGroup(
        name,
        chest_codes.LOBE_OF_LUNG if territory.is_lobe else chest_codes.ZONE_OF_LUNG,
        category=codes.ANATOMICAL_STRUCTURE,
        sites=_sites(territory),
        measurements=(
            volume(codes.VOLUME, figures.volume_ml),
            volume(chest_codes.LESION_VOLUME, figures.lesion_volume_ml),
            percent(share_of, figures.lesion_share_percent),
            *lesions_in(figures),
            *changes(change),
        ),
        regions=(name,),
        anchor=Anchor((name,), placement=AnchorPlacement.BESIDE),
        compared=change is not None,
    )


def _sites(territory: Territory) -> tuple[Site, ...]:
    """Where it is; an upper and middle lobe that were not told apart are two places."""
    laterality = codes.RIGHT if territory.side is Side.RIGHT else codes.LEFT
    parts = (
        (chest_codes.UPPER_LOBE, chest_codes.MIDDLE_LOBE)
        if territory is Territory.RIGHT_UPPER_AND_MIDDLE_LOBE
        else (_PARTS[territory.value.split(" ", 1)[1]],)
    )
    return tuple(Site(part, laterality) for part in parts)
