"""The groups of the report for lobes, or for the zones that stand in for them.

PS3.16 TID 1411 (Volumetric ROI Measurements), outlined where most of the territory is, and not
on the key slice where it can be helped: OHIF writes all figures of a slice over it.
"""

from __future__ import annotations

from highdicom.sr import FindingSite, VolumetricROIMeasurementsAndQualitativeEvaluations

from radiology import codes
from radiology.chest.change import Change
from radiology.chest.figures import Side
from radiology.chest.territory import Territory, TerritoryFigures
from radiology.codes import Code
from worker.encode.coded_concepts import coded
from worker.encode.derived_object import ResultContext
from worker.encode.figures import Figure, change_figures, percent_figure, volume_figure
from worker.encode.key_slices import fullest_beside, key_slice
from worker.encode.report.group_parts import (
    LUNG_OUTLINES,
    Group,
    algorithm_identification,
    bare,
    image_regions,
    tracking,
)
from worker.encode.report.time_points import time_point, with_earlier

_UPPER_AND_MIDDLE = Territory.RIGHT_UPPER_AND_MIDDLE_LOBE
_PARTS: dict[str, Code] = {
    "upper lobe": codes.UPPER_LOBE,
    "middle lobe": codes.MIDDLE_LOBE,
    "lower lobe": codes.LOWER_LOBE,
    "upper zone": codes.UPPER_ZONE,
    "middle zone": codes.MIDDLE_ZONE,
    "lower zone": codes.LOWER_ZONE,
}


def territory_name(territory: Territory) -> str:
    """What a reader sees: "Right upper lobe", "Right upper zone"."""
    return territory.value.capitalize()


def territory_kind(territory: Territory) -> Code:
    """Lobe of lung, or the zone that is none."""
    return codes.LOBE_OF_LUNG if territory.is_lobe else codes.ZONE_OF_LUNG


def territory_sites(territory: Territory) -> list[FindingSite]:
    """Where it is; an upper and middle lobe that were not told apart are two places."""
    laterality = codes.RIGHT if territory.side is Side.RIGHT else codes.LEFT
    parts = (
        [codes.UPPER_LOBE, codes.MIDDLE_LOBE]
        if territory is _UPPER_AND_MIDDLE
        else [_PARTS[territory.value.split(" ", 1)[1]]]
    )
    return [
        FindingSite(anatomic_location=coded(part), laterality=coded(laterality)) for part in parts
    ]


def territory_figures(context: ResultContext, figures: TerritoryFigures) -> list[Figure]:
    """Its volume, what of it is lesion, and what changed in it."""
    share = codes.SHARE_OF_LOBE if figures.territory.is_lobe else codes.SHARE_OF_ZONE
    found = [
        volume_figure(codes.VOLUME, figures.volume_ml),
        volume_figure(codes.LESION_VOLUME, figures.lesion_volume_ml),
        percent_figure(share, figures.lesion_share_percent),
    ]
    if figures.lesion_mean_hu is not None:
        hounsfield = round(figures.lesion_mean_hu, 1)
        found += [
            Figure(codes.LESION_ATTENUATION, hounsfield, codes.HOUNSFIELD_UNIT),
            volume_figure(codes.GROUND_GLASS_VOLUME, figures.ground_glass_ml),
            volume_figure(codes.CONSOLIDATION_VOLUME, figures.consolidation_ml),
        ]
    return [*found, *change_figures(territory_change(context, figures.territory))]


def territory_change(context: ResultContext, territory: Territory) -> Change | None:
    """What changed in it; None where it was not compared."""
    return None if context.prior is None else context.prior.territories.get(territory)


def territory_groups(context: ResultContext) -> list[Group]:
    """A group for each territory of a reading with findings."""
    areas = context.territory_areas
    return [
        _group(context, one)
        for one in context.territories
        if one.territory in areas and areas[one.territory].any()
    ]


def _group(context: ResultContext, figures: TerritoryFigures) -> Group:
    territory = figures.territory
    index = fullest_beside(context.territory_areas[territory], key_slice(context))
    change = territory_change(context, territory)
    group = VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracking(context, territory_name(territory)),
        finding_category=coded(codes.ANATOMICAL_STRUCTURE),
        finding_type=coded(territory_kind(territory)),
        finding_sites=territory_sites(territory),
        algorithm_id=algorithm_identification(context),
        measurements=bare(territory_figures(context, figures)),
        referenced_regions=image_regions(
            context, index, context.territory_mask(territory, index), LUNG_OUTLINES
        ),
        **time_point(context, change),
    )
    return with_earlier(context, group, change)
