"""What is told of fluid in the pleural cavity: a finding of its own, never part of an opacity."""

from __future__ import annotations

from collections.abc import Iterator

from chest import chest_codes
from chest.answer.measurements import attenuation, volume
from chest.answer.regions import LEFT_LUNG, RIGHT_LUNG
from chest.values.effusion import Effusion
from chest.values.reading import ChestReading
from radiology import codes
from radiology.answer.anchor import Anchor, Mark
from radiology.answer.finding import Finding, Presence
from radiology.answer.measurement import MeasurementGroup
from radiology.answer.remark import Remark
from radiology.codes import Code
from radiology.site import Site

EFFUSION = "effusion"
"""Key of the finding."""
_PLACE = 3  # beside the answer, the signs and the scores


def effusion_finding(reading: ChestReading) -> tuple[Finding, ...]:
    """The finding where there is fluid; nothing is said to be absent."""
    if reading.effusion is None:
        return ()
    groups = [_group_name(side) for side, *_ in _sides(reading.effusion)]
    laterality = codes.BILATERAL if len(groups) > 1 else next(_sides(reading.effusion))[1]
    return (
        Finding(
            EFFUSION,
            chest_codes.PLEURAL_EFFUSION,
            Presence.PRESENT,
            site=Site(chest_codes.PLEURA, laterality),
            words="pleural effusion",
            groups=tuple(groups),
        ),
    )


def effusion_groups(reading: ChestReading) -> Iterator[MeasurementGroup]:
    """The fluid of each side, told at the lung that it lies beside."""
    for side, laterality, lung, volume_ml in _sides(reading.effusion):
        assert reading.effusion is not None
        yield MeasurementGroup(
            _group_name(side),
            chest_codes.PLEURAL_EFFUSION,
            category=codes.ABNORMAL_STRUCTURE,
            sites=(Site(chest_codes.PLEURA, laterality),),
            measurements=(
                volume(codes.VOLUME, volume_ml),
                attenuation(codes.MEAN_ATTENUATION, reading.effusion.mean_hu),
            ),
            anchor=Anchor((lung,), mark=Mark.POINT, place=_PLACE),
        )


def effusion_remark(reading: ChestReading) -> Iterator[Remark]:
    """How much there is on either side."""
    lines = tuple((f"{side}, {ml:.0f} ml",) for side, _, _, ml in _sides(reading.effusion))
    if lines:
        yield Remark("Pleural effusion", lines)


def _group_name(side: str) -> str:
    return f"Pleural effusion, {side}"


def _sides(effusion: Effusion | None) -> Iterator[tuple[str, Code, str, float]]:
    """Word, code, lung and volume of each side that has fluid."""
    if effusion is None:
        return
    for word, code, lung, volume_ml in (
        ("right", codes.RIGHT, RIGHT_LUNG, effusion.right_ml),
        ("left", codes.LEFT, LEFT_LUNG, effusion.left_ml),
    ):
        if volume_ml > 0.0:
            yield word, code, lung, volume_ml
