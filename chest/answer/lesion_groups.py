"""The groups of a chest's lesions: by class, and by the lung that they lie in."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chest import chest_codes
from chest.answer.measurements import (
    attenuation,
    by_class,
    changes,
    lung_change,
    percent,
    slices,
    volume,
)
from chest.answer.regions import CONSOLIDATION, GROUND_GLASS, IN_THE_LUNGS, LESIONS, SIDES
from chest.values.figures import LungFigures, Side
from chest.values.reading import ChestReading
from chest.values.regions import LesionLabel
from radiology import codes
from radiology.answer.anchor import Anchor, AnchorPlacement, Mark
from radiology.answer.measurement import Measurement, MeasurementGroup
from radiology.codes import Code
from radiology.image.volume import Volume
from radiology.region import LabelMap
from radiology.site import Site

_LESION_SLICES = 3  # the key slice and two more
_CLASSES = (
    (GROUND_GLASS, LesionLabel.GROUND_GLASS, chest_codes.GROUND_GLASS_OPACITY),
    (CONSOLIDATION, LesionLabel.CONSOLIDATION, chest_codes.CONSOLIDATION),
)


def class_groups(reading: ChestReading, volume_read: Volume | None) -> Iterator[MeasurementGroup]:
    """Each lesion class that there is, in both lungs.

    Parameters
    ----------
    volume_read : that the regions lie on; without it there is no group
    """
    for name, label, kind in _CLASSES:
        yield from _lesion_class(reading, volume_read, name, label, kind)


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
            told.append(
                percent(chest_codes.LESION_SHARE, 100.0 * (volume_ml / total.lung_volume_ml))
            )
    told.append(attenuation(codes.MEAN_ATTENUATION, mean))
    told.append(slices(involved))
    yield MeasurementGroup(
        name,
        kind,
        category=codes.ABNORMAL_STRUCTURE,
        sites=(IN_THE_LUNGS,),
        measurements=tuple(told),
        regions=(name,),
        anchor=Anchor((name,), placement=AnchorPlacement.LEADING, slices=_LESION_SLICES),
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


def lesions_of_side(reading: ChestReading, of_side: LungFigures) -> MeasurementGroup:
    """What the lesions of a lung, or of both, amount to."""
    name, laterality, lungs = SIDES[of_side.side]
    is_total = of_side.side is Side.TOTAL
    change = lung_change(reading, of_side.side)
    mean = of_side.lesion_mean_hu
    return MeasurementGroup(
        f"{name}, lesions",
        chest_codes.ABNORMAL_OPACITY,
        category=codes.ABNORMAL_STRUCTURE,
        sites=(Site(chest_codes.LUNG, laterality),),
        measurements=(
            volume(codes.VOLUME, of_side.lesion_volume_ml),
            percent(chest_codes.LESION_SHARE, of_side.lesion_share_percent),
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
            placement=AnchorPlacement.KEY if is_total else AnchorPlacement.BESIDE,
            halves=lungs if is_total else (),
        ),
        compared=change is not None,
    )
