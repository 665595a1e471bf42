"""The regions of a chest: how each is named, coded and coloured.

Codes are those of PS3.16 CID 7150 and CID 7151; zones are of CID 6171. Colours are from the
palette of Okabe and Ito (2008), which readers with any kind of colour vision can tell apart.
"""

from __future__ import annotations

from chest import chest_codes
from chest.values.figures import Side
from chest.values.reading import ChestReading
from chest.values.regions import ChestRegions, LesionLabel, LungLabel
from chest.values.territory import Territories, Territory
from radiology import codes
from radiology.codes import Code
from radiology.region import Region
from radiology.site import Site

RIGHT_LUNG, LEFT_LUNG = "Right lung", "Left lung"
LUNGS = (RIGHT_LUNG, LEFT_LUNG)
GROUND_GLASS, CONSOLIDATION = "Ground glass opacity", "Consolidation"
LESIONS = (GROUND_GLASS, CONSOLIDATION)
POSSIBLE_OPACITY = "Possible opacity"
IN_THE_LUNGS = Site(chest_codes.LUNG, codes.BILATERAL)

_LOBES: dict[Territory, tuple[Code, Code | None, tuple[int, int, int]]] = {
    Territory.RIGHT_UPPER_LOBE: (chest_codes.UPPER_LOBE, codes.RIGHT, (0, 114, 178)),
    Territory.RIGHT_MIDDLE_LOBE: (chest_codes.MIDDLE_LOBE, None, (204, 121, 167)),
    Territory.RIGHT_LOWER_LOBE: (chest_codes.LOWER_LOBE, codes.RIGHT, (0, 130, 95)),
    Territory.RIGHT_UPPER_AND_MIDDLE_LOBE: (chest_codes.LOBE_OF_LUNG, codes.RIGHT, (100, 115, 175)),
    Territory.LEFT_UPPER_LOBE: (chest_codes.UPPER_LOBE, codes.LEFT, (110, 160, 205)),
    Territory.LEFT_LOWER_LOBE: (chest_codes.LOWER_LOBE, codes.LEFT, (120, 200, 170)),
}
"""Of each lobe its code, its side where the code has none, and its colour."""

_ZONE_COLOUR = (150, 150, 150)
_ZONES: dict[Territory, tuple[Code, Code | None, tuple[int, int, int]]] = {
    Territory.RIGHT_UPPER_ZONE: (chest_codes.UPPER_ZONE, codes.RIGHT, _ZONE_COLOUR),
    Territory.RIGHT_MIDDLE_ZONE: (chest_codes.MIDDLE_ZONE, codes.RIGHT, _ZONE_COLOUR),
    Territory.RIGHT_LOWER_ZONE: (chest_codes.LOWER_ZONE, codes.RIGHT, _ZONE_COLOUR),
    Territory.LEFT_UPPER_ZONE: (chest_codes.UPPER_ZONE, codes.LEFT, _ZONE_COLOUR),
    Territory.LEFT_MIDDLE_ZONE: (chest_codes.MIDDLE_ZONE, codes.LEFT, _ZONE_COLOUR),
    Territory.LEFT_LOWER_ZONE: (chest_codes.LOWER_ZONE, codes.LEFT, _ZONE_COLOUR),
}


SIDES = {
    Side.TOTAL: ("Both lungs", codes.BILATERAL, LUNGS),
    Side.RIGHT: ("Right lung", codes.RIGHT, (RIGHT_LUNG,)),
    Side.LEFT: ("Left lung", codes.LEFT, (LEFT_LUNG,)),
}
"""Of each side its words, its code, and the regions that it has."""


def territory_name(territory: Territory) -> str:
    """What a reader sees: "Right upper lobe", "Right upper zone"."""
    return territory.value.capitalize()


def possible_opacity(regions: ChestRegions) -> Region | None:
    """What may be an opacity, and is not sure enough to count; None where there is none."""
    if regions.possible is None:
        return None
    return Region(
        POSSIBLE_OPACITY,
        chest_codes.ABNORMAL_OPACITY,
        is_finding=True,
        colour=(204, 204, 204),
        site=IN_THE_LUNGS,
        labels=regions.possible,
    )


def drawn_regions(regions: ChestRegions) -> tuple[Region, ...]:
    """Lungs, then lesions by class."""
    return (*_lungs(regions), *_lesions(regions))


def chest_regions(reading: ChestReading) -> tuple[Region, ...]:
    """Lungs, the lobes or zones that they were divided into, then lesions by class."""
    if reading.regions is None:
        return ()
    parts = () if reading.divided is None else _territories(reading.divided)
    return (*_lungs(reading.regions), *parts, *_lesions(reading.regions))


def _lungs(regions: ChestRegions) -> tuple[Region, ...]:
    return tuple(
        Region(
            name,
            chest_codes.LUNG,
            is_finding=False,
            colour=colour,
            laterality=side,
            labels=regions.lungs,
            values=(int(label),),
        )
        for name, label, side, colour in (
            (RIGHT_LUNG, LungLabel.RIGHT, codes.RIGHT, (0, 158, 115)),
            (LEFT_LUNG, LungLabel.LEFT, codes.LEFT, (64, 190, 150)),
        )
    )


def _territories(divided: Territories) -> tuple[Region, ...]:
    """Zones have no border that one could see, and are no segments."""
    values = {territory: value for value, territory in divided.names.items()}
    return tuple(
        Region(
            territory_name(territory),
            kind,
            is_finding=False,
            colour=colour,
            laterality=side,
            part_of=RIGHT_LUNG if territory.side is Side.RIGHT else LEFT_LUNG,
            bounded=territory.is_lobe,
            labels=divided.labels,
            values=(values[territory],),
        )
        for territory, (kind, side, colour) in {**_LOBES, **_ZONES}.items()
        if territory in values
    )


def _lesions(regions: ChestRegions) -> tuple[Region, ...]:
    return tuple(
        Region(
            name,
            kind,
            is_finding=True,
            colour=colour,
            site=IN_THE_LUNGS,
            labels=regions.lesions,
            values=(int(label),),
        )
        for name, label, kind, colour in (
            (
                GROUND_GLASS,
                LesionLabel.GROUND_GLASS,
                chest_codes.GROUND_GLASS_OPACITY,
                (86, 180, 233),
            ),
            (CONSOLIDATION, LesionLabel.CONSOLIDATION, chest_codes.CONSOLIDATION, (230, 159, 0)),
        )
    )
