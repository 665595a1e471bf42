"""The states of studies, jobs and deliveries; the same words everywhere they are shown."""

from __future__ import annotations

from enum import StrEnum


class StudyState(StrEnum):
    """Where the newest version of a study stands."""

    RECEIVED = "received"  # instances have come that no job knows yet
    QUEUED = "queued"
    SELECTED = "selected"
    DECODED = "decoded"
    INFERRED = "inferred"
    ENCODED = "encoded"
    DELIVERED = "delivered"
    COMMITTED = "committed"
    REFUSED = "refused"
    FAILED = "failed"


UNREAD = (
    StudyState.RECEIVED,
    StudyState.QUEUED,
    StudyState.SELECTED,
    StudyState.DECODED,
    StudyState.INFERRED,
)
"""States of a study whose newest version has no answer yet."""


class JobState(StrEnum):
    """Where a job stands. A job is one bundle applied to one version of a study."""

    QUEUED = "queued"
    SELECTED = "selected"
    DECODED = "decoded"
    INFERRED = "inferred"
    ENCODED = "encoded"  # results made; waiting for the destinations, or there are none
    DELIVERED = "delivered"  # every destination has stored every result object that it takes
    COMMITTED = "committed"  # and those that commit have promised to keep them
    REFUSED = "refused"  # ended with a reason; nothing to send, nothing to retry
    FAILED = "failed"  # ended with a fault; a person may try again
    SUPERSEDED = "superseded"  # a newer version of the study took its place before it ran
    NOT_APPLICABLE = "not_applicable"  # no series of the study is of the kind that the bundle reads
    NOT_WANTED = "not_wanted"  # its bundle was switched off before it ran
    SHADOWED = "shadowed"  # read by a bundle whose results go nowhere


RUNNING = (JobState.QUEUED, JobState.SELECTED, JobState.DECODED, JobState.INFERRED)
"""States in which a job can hold a lease: what a dead worker leaves behind."""

RETRYABLE = (
    JobState.REFUSED,
    JobState.FAILED,
    JobState.NOT_APPLICABLE,
    JobState.NOT_WANTED,
    JobState.SHADOWED,
)
"""States from which a person may send a job back to the queue."""


class DeliveryState(StrEnum):
    """Where the delivery of one result to one destination stands."""

    WAITING = "waiting"
    SENT = "sent"  # stored, and not yet promised to be kept
    DELIVERED = "delivered"  # stored, by a destination that is not asked for a promise
    COMMITTED = "committed"  # stored, and promised to be kept (PS3.4 Annex J)
    REFUSED = "refused"  # the peer said no for good; a person must change something first
    FAILED = "failed"  # tried too often, or a defect
    WITHDRAWN = "withdrawn"  # superseded or withdrawn before it was stored


ENDED_WELL = (DeliveryState.DELIVERED, DeliveryState.COMMITTED)
"""States of a delivery that asks nothing more of anybody."""

UNDER_WAY = (DeliveryState.WAITING, DeliveryState.SENT)
"""States of a delivery that goes on by itself."""


class DeliveryPurpose(StrEnum):
    """Why objects are sent."""

    RESULT = "result"
    REJECTION = "rejection"  # a note that says which objects are no longer valid


class ObjectState(StrEnum):
    """Where one object stands at one destination."""

    WAITING = "waiting"  # to be sent, or sent again
    STORED = "stored"
    COMMITTED = "committed"
    REFUSED = "refused"  # not tried again unless a person asks


class RejectionReason(StrEnum):
    """Why a result is withdrawn: the words of IHE Imaging Object Change Management (IOCM)."""

    QUALITY = "quality"
    PATIENT_SAFETY = "patient-safety"
    INCORRECT_WORKLIST = "incorrect-worklist"
    DATA_RETENTION = "data-retention"


class PriorRequestState(StrEnum):
    """Where a request to a peer for a patient's earlier studies stands."""

    WAITING = "waiting"  # to be asked, or asked again
    RETRIEVED = "retrieved"  # the studies have come; their readings are awaited
    COMPARED = "compared"  # the study is read again, with what has come
    NOTHING = "nothing"  # there is nothing to compare with
    FAILED = "failed"  # no answer, or not in time


class NotificationState(StrEnum):
    """Where the report to a subscriber about a work item stands."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"  # refused, or tried too often: the subscriber must look by itself


class UploadState(StrEnum):
    """Where an upload stands."""

    RECEIVING = "receiving"
    WAITING = "waiting"
    RUNNING = "running"
    ANSWERED = "answered"
    REFUSED = "refused"
    FAILED = "failed"  # a defect, or a worker that stopped each time


class ObjectKind(StrEnum):
    """What a result object is."""

    SEGMENTATION = "SEG"
    REPORT = "SR"
    CAPTURE = "SC"
    DOCUMENT = "PDF"
    REJECTION = "KO"  # a rejection note: not part of a result, but about one


class AssociationEnding(StrEnum):
    """How an association ended."""

    RELEASED = "released"
    ABORTED = "aborted"
    REJECTED = "rejected"


class WorklistRank(StrEnum):
    """The order of the worklist page, before waiting time: the first letter sorts."""

    URGENT = "0-urgent"
    SUSPECTED = "1-suspected"
    UNANSWERED = "2-unanswered"  # not assessable, refused or failed: no answer is not a negative
    PENDING = "3-pending"
    ROUTINE = "4-routine"
