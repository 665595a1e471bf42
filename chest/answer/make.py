"""Converts a chest's reading to a reading of any bundle."""

from __future__ import annotations

from chest import chest_codes
from chest.answer.answer_groups import ANSWER_GROUP, SIGN_CODES, SIGNS_GROUP
from chest.answer.effusion import effusion_finding
from chest.answer.groups import chest_groups
from chest.answer.measurements import attenuation, percent, volume
from chest.answer.regions import IN_THE_LUNGS, LESIONS, chest_regions, possible_opacity
from chest.answer.remarks import chest_remarks
from chest.answer.statements import chest_statements
from chest.answer.summary import chest_summary
from chest.answer.table import chest_table
from chest.values.course import Course
from chest.values.reading import ChestReading
from radiology import codes
from radiology.answer.finding import Finding, Presence
from radiology.answer.lesions import Followed, ListedLesion, PossibleFinding
from radiology.answer.reading import Comparison, Reading, ReportWords, Suspicion, TimePoint
from radiology.clinical import ClinicalContext
from radiology.image.volume import Volume
from radiology.outcome import Outcome
from radiology.region import slices_involved, volume_ml
from radiology.urgency import Triage

LUNG_WINDOW_HU = (-600.0, 1500.0)
"""Centre and width of the usual lung window."""
WORDS = ReportWords(
    title="chest CT",
    procedure=chest_codes.CT_CHEST,
    subject="pneumonia",
    content_label="AI_LUNG_LESIONS",
    anatomy=(("lung", "lungs"), ("lobe", "lobes")),
    window_hu=LUNG_WINDOW_HU,
    body_part="CHEST",
)
_MOST_LISTED = 40
OPACITY = "opacity"
"""Key of the finding that decides the outcome."""

_PRESENCES = {
    Outcome.FINDINGS: Presence.SUSPECTED,
    Outcome.NO_FINDINGS: Presence.ABSENT,
    Outcome.NOT_ASSESSABLE: Presence.UNDETERMINED,
}


def answer_of(
    reading: ChestReading,
    volume_read: Volume | None,
    triage: Triage | None,
    clinical: ClinicalContext,
) -> Reading:
    """Tell all that was read.

    Parameters
    ----------
    volume_read : that the regions lie on; None for a reading that was stored, without voxels
    triage : None exactly when the reading is not assessable
    clinical : what the severity was judged with
    """
    course = reading.course
    return Reading(
        outcome=reading.outcome,
        algorithm=reading.algorithm,
        report=WORDS,
        suspicion=Suspicion(reading.suspicion, reading.suspicion_threshold),
        findings=_findings(reading),
        groups=chest_groups(reading, volume_read, triage),
        statements=chest_statements(reading, clinical),
        gates=reading.gates,
        key_slices=() if reading.key_slice is None else (reading.key_slice,),
        regions=chest_regions(reading),
        heat_maps=reading.heat_maps,
        acquired_at=reading.acquired_at,
        comparison=None if course is None else _comparison(course),
        summary=chest_summary(reading),
        course=() if course is None else _points(course),
        table=chest_table(reading),
        remarks=chest_remarks(reading),
        followed=() if course is None else _followed(course),
        left_out=() if course is None else course.not_compared,
        possible=() if volume_read is None else _possible(reading, volume_read),
        lesions=_listed(reading) if reading.outcome is Outcome.FINDINGS else (),
    )


def _listed(reading: ChestReading) -> tuple[ListedLesion, ...]:
    """The largest lesions, one by one."""
    return tuple(
        ListedLesion(
            one.number,
            one.side.value,
            (
                volume(chest_codes.LESION_VOLUME, one.volume_ml),
                volume(chest_codes.CONSOLIDATION_VOLUME, one.consolidation_ml),
                attenuation(chest_codes.LESION_ATTENUATION, one.mean_hu),
            ),
            one.sureness,
        )
        for one in reading.lesions[:_MOST_LISTED]
    )


def _possible(reading: ChestReading, volume_read: Volume) -> tuple[PossibleFinding, ...]:
    region = None if reading.regions is None else possible_opacity(reading.regions)
    if region is None or region.labels is None or reading.outcome is Outcome.NOT_ASSESSABLE:
        return ()
    seen = region.labels > 0
    return (
        PossibleFinding(
            region,
            volume(chest_codes.LESION_VOLUME, volume_ml(seen, volume_read)),
            slices_involved(seen),
        ),
    )


def _findings(reading: ChestReading) -> tuple[Finding, ...]:
    """Opacities as a whole, each sign, and fluid where there is some."""
    suspected = reading.outcome is Outcome.FINDINGS
    opacity = Finding(
        OPACITY,
        chest_codes.ABNORMAL_OPACITY,
        _PRESENCES[reading.outcome],
        site=IN_THE_LUNGS,
        words="lung opacities",
        probability=reading.suspicion,
        threshold=reading.suspicion_threshold,
        label="" if reading.pneumonia_type is None else reading.pneumonia_type.value,
        regions=LESIONS if suspected and reading.regions is not None else (),
        groups=(ANSWER_GROUP,),
        key_slices=() if reading.key_slice is None else (reading.key_slice,),
    )
    signs = (
        Finding(
            sign.sign.value,
            SIGN_CODES[sign.sign][0],
            Presence.PRESENT if sign.present else Presence.ABSENT,
            site=IN_THE_LUNGS,
            words=sign.sign.words,
            probability=sign.probability,
            threshold=sign.threshold,
            groups=(SIGNS_GROUP,),
        )
        for sign in reading.signs
    )
    return (opacity, *signs, *effusion_finding(reading))


def _points(course: Course) -> tuple[TimePoint, ...]:
    """Both lungs together at each time."""
    return tuple(
        TimePoint(
            point.study_instance_uid,
            point.acquired_at,
            order,
            (
                volume(codes.VOLUME, point.lung_volume_ml),
                volume(chest_codes.LESION_VOLUME, point.lesion_volume_ml),
                percent(chest_codes.LESION_SHARE, point.lesion_share_percent),
                *(
                    ()
                    if point.lesion_mean_hu is None
                    else (attenuation(chest_codes.LESION_ATTENUATION, point.lesion_mean_hu),)
                ),
            ),
        )
        for order, point in enumerate(course.points, start=1)
    )


def _comparison(course: Course) -> Comparison | None:
    """The latest earlier study; this one is the last of the course."""
    prior = course.latest
    if prior is None:
        return None
    orders = {one.study_instance_uid: order for order, one in enumerate(course.points, start=1)}
    earlier = orders.get(prior.study_instance_uid, 1)
    return Comparison(
        TimePoint(prior.study_instance_uid, prior.then_at, earlier),
        TimePoint("", prior.now_at, len(course.points) or earlier + 1),
        prior.registration.reason,
    )


def _followed(course: Course) -> tuple[Followed, ...]:
    """Each lesion of either study; where several flowed together, under the number of the first."""
    return tuple(
        Followed(
            next(iter(lesion.now_numbers), None),
            lesion.side.value,
            lesion.course,
            volume(chest_codes.LESION_VOLUME, lesion.then_ml),
            volume(chest_codes.LESION_VOLUME, lesion.now_ml),
        )
        for lesion in (() if course.latest is None else course.latest.lesions)
    )
