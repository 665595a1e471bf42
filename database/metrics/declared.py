"""The counters and histograms of Firstread: names, meanings, labels and buckets.

Names and units by the conventions of Prometheus ("Metric and label naming"). A label holds a name
of the settings, a bundle, or a word of ours: never what a peer or a person has written, so that
there is a bounded number of series, and no patient in any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Metric:
    """A counter.

    Attributes
    ----------
    help : what it counts, in a sentence
    labels : the names of its labels
    bounds : of a histogram, the upper bounds of its buckets in seconds; none of a counter
    """

    name: str
    help: str
    labels: tuple[str, ...]
    bounds: tuple[float, ...] = ()


# A study is read in seconds, waits for minutes, and in a bad night for hours.
_STEPS_S: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 600.0)
_WAITS_S: Final = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 14400.0)

ASSOCIATIONS_ACCEPTED = Metric(
    "firstread_associations_accepted_total", "Associations that were let in.", ("source",)
)
ASSOCIATIONS_REJECTED = Metric(
    "firstread_associations_rejected_total", "Associations that were turned down.", ("reason",)
)
ASSOCIATIONS_ENDED = Metric(
    "firstread_associations_ended_total",
    "Associations that ended, by how: released, aborted, or lost with the connection.",
    ("ending",),
)
INSTANCES_RECEIVED = Metric(
    "firstread_instances_received_total",
    "Instances that were answered with success: new, a duplicate, or a correction of one.",
    ("source", "outcome"),
)
RECEIVED_BYTES = Metric(
    "firstread_received_bytes_total",
    "Bytes of the instances that were answered with success.",
    ("source",),
)
INSTANCES_REFUSED = Metric(
    "firstread_instances_refused_total",
    "Instances that were not stored, by the kind of the error.",
    ("source", "reason"),
)
HL7_MESSAGES = Metric(
    "firstread_hl7_messages_total",
    "HL7 messages that came, by what became of them: taken, refused, or not kept for now.",
    ("kind", "outcome"),
)
ATTEMPTS = Metric(
    "firstread_attempts_total",
    "Attempts at rows of the queues, by how they ended.",
    ("queue", "ending"),
)
LEASES_LOST = Metric(
    "firstread_leases_lost_total",
    "Rows that a worker lost to another one while it had them, and jobs of silent workers.",
    ("queue",),
)
JOBS_ENDED = Metric(
    "firstread_jobs_ended_total",
    "Jobs that ended, by the state that they ended in and the kind of the error, if any.",
    ("bundle", "state", "reason"),
)
RESULTS = Metric(
    "firstread_results_total",
    "Results that were stored, by the execution provider that computed them.",
    ("bundle", "outcome", "urgency", "provider"),
)
DELIVERIES_ENDED = Metric(
    "firstread_deliveries_ended_total",
    "Deliveries that ended, by destination and by the state that they ended in.",
    ("destination", "purpose", "state"),
)
FLAGS_RAISED = Metric("firstread_flags_raised_total", "Studies that were flagged.", ("urgency",))
NOTICES_ENDED = Metric(
    "firstread_flag_notices_ended_total",
    "Notices about flags that their channel took, refused, or could not be told.",
    ("channel", "kind", "state"),
)
OBJECT_STORAGE_REQUESTS = Metric(
    "firstread_object_storage_requests_total",
    "Requests to the object storage, by kind, and by whether they were done or failed.",
    ("request", "outcome"),
)

JOB_WAIT = Metric(
    "firstread_job_wait_seconds",
    "From queued to claimed for the first time.",
    ("bundle", "priority"),
    _WAITS_S,
)
JOB_STEP = Metric(
    "firstread_job_step_seconds",
    "How long a job took from one state to the next; the label names the state that it reached.",
    ("bundle", "step"),
    _STEPS_S,
)
STUDY_ANSWER = Metric(
    "firstread_study_answer_seconds",
    "From the last image of a study to its first answer by a bundle.",
    ("bundle", "priority"),
    _WAITS_S,
)
DELIVERY_TIME = Metric(
    "firstread_delivery_seconds",
    "From a stored result to the destination that has all of it.",
    ("destination",),
    _WAITS_S,
)
NOTICE_TIME = Metric(
    "firstread_flag_notice_seconds",
    "From a raised flag to the channel that was told of it.",
    ("channel",),
    _WAITS_S,
)

EVERY: Final = (
    ASSOCIATIONS_ACCEPTED,
    ASSOCIATIONS_REJECTED,
    ASSOCIATIONS_ENDED,
    INSTANCES_RECEIVED,
    RECEIVED_BYTES,
    INSTANCES_REFUSED,
    HL7_MESSAGES,
    ATTEMPTS,
    LEASES_LOST,
    JOBS_ENDED,
    RESULTS,
    DELIVERIES_ENDED,
    FLAGS_RAISED,
    NOTICES_ENDED,
    OBJECT_STORAGE_REQUESTS,
    JOB_WAIT,
    JOB_STEP,
    STUDY_ANSWER,
    DELIVERY_TIME,
    NOTICE_TIME,
)
"""All of them; a name stands once."""
