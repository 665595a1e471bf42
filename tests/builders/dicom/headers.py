"""Series headers for tests of rules: what matters is said, the rest is a good chest CT."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from radiology.image.series import FrameHeader, InstanceHeader, SeriesHeader

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)

_SERIES = ("modality", "body_part_examined", "anatomic_region", "protocol_name",
           "series_description")  # fmt: skip
_INSTANCE = ("sop_class_uid", "transfer_syntax_uid", "rows", "columns", "samples_per_pixel",
             "photometric_interpretation", "frame_of_reference_uid")  # fmt: skip


def series_header(
    uid: str = "2.25.1.1",
    *,
    slices: int = 150,
    spacing_mm: float = 2.0,
    first_mm: float = -150.0,
    normal: tuple[float, float, float] = (0.0, 0.0, 1.0),
    **changes: Any,
) -> SeriesHeader:
    """A series of single-frame CT images.

    Parameters
    ----------
    slices, spacing_mm, first_mm, normal : where the slices lie
    changes : fields of the series, of every instance or of every frame, by name
    """
    frame = FrameHeader(
        frame_number=None,
        image_position_patient=None,
        image_orientation_patient=AXIAL,
        pixel_spacing=(0.7, 0.7),
        slice_thickness=spacing_mm,
        spacing_between_slices=None,
        rescale_slope=1.0,
        rescale_intercept=-1024.0,
        rescale_type="HU",
        image_type=("ORIGINAL", "PRIMARY", "AXIAL"),
        convolution_kernel="D40s",
    )
    own = {name: changes.pop(name) for name in _SERIES if name in changes}
    per_instance = {name: changes.pop(name) for name in _INSTANCE if name in changes}
    heights = [first_mm + index * spacing_mm for index in range(slices)]
    positions = [(normal[0] * at, normal[1] * at, normal[2] * at) for at in heights]
    instances = tuple(
        _instance(f"{uid}.{index}", replace(frame, image_position_patient=place), **per_instance)
        for index, place in enumerate(positions, start=1)
    )
    instances = tuple(_change_frames(instance, changes) for instance in instances)
    series = SeriesHeader(
        study_instance_uid="2.25.1",
        series_instance_uid=uid,
        modality="CT",
        body_part_examined="CHEST",
        anatomic_region="",
        protocol_name="",
        series_description="",
        instances=instances,
    )
    return replace(series, **own)


def _instance(uid: str, frame: FrameHeader, **changes: Any) -> InstanceHeader:
    instance = InstanceHeader(
        sop_instance_uid=uid,
        sop_class_uid=CTImageStorage,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        rows=512,
        columns=512,
        samples_per_pixel=1,
        photometric_interpretation="MONOCHROME2",
        frame_of_reference_uid="2.25.2",
        gantry_detector_tilt=0.0,
        contrast_bolus_agent="",
        frames=(frame,),
    )
    return replace(instance, **changes)


def _change_frames(instance: InstanceHeader, changes: dict[str, Any]) -> InstanceHeader:
    frames = tuple(replace(frame, **changes) for frame in instance.frames)
    return replace(instance, frames=frames)


def with_frame(series: SeriesHeader, index: int, **changes: Any) -> SeriesHeader:
    """The same series with the frame of one instance changed."""
    instances = list(series.instances)
    instances[index] = _change_frames(instances[index], changes)
    return replace(series, instances=tuple(instances))


def without_instances(series: SeriesHeader, *indices: int) -> SeriesHeader:
    """The same series without some of its instances."""
    kept = [one for index, one in enumerate(series.instances) if index not in indices]
    return replace(series, instances=tuple(kept))


def joined(*parts: SeriesHeader) -> SeriesHeader:
    """One series with the instances of several."""
    instances = tuple(instance for part in parts for instance in part.instances)
    return replace(parts[0], instances=instances)
