"""The next step for each kind of error: one sentence each, in the reader's words.

The kinds are the class names of `radiology.errors`, as the job and delivery rows store them.
"""

from __future__ import annotations

from database.states import DeliveryState, JobState
from radiology import errors
from worklist.words.translations import translated

_READ_AS_USUAL = "Read the study as usual."
_WHOSE = (
    "Read the study as usual, and look whose images it holds. Correct the wrong ones at their "
    "sender and send them again: the study is then analysed by itself."
)

STEPS = {
    "NotAssessable": "Read the study as usual: the images do not allow an answer.",
    "PatientUnclear": _WHOSE,
    "SeveralPatients": _WHOSE,
    "PatientUnreadable": _WHOSE,
    "PatientCorrected": (
        f"{_READ_AS_USUAL} Nothing else is to be done: the corrected study is analysed by itself."
    ),
    "OriginalsRemoved": (
        f"{_READ_AS_USUAL} Send the whole study again from PACS: it is then analysed by itself."
    ),
    "NoSuitableSeries": (
        f"{_READ_AS_USUAL} If there is a thin reconstruction of the whole region, send it: "
        "the study is then analysed by itself."
    ),
    "BundleDoesNotApply": (
        f"{_READ_AS_USUAL} If it should have been read, look at the series: each says why not."
    ),
    "BundleSwitchedOff": (
        f"{_READ_AS_USUAL} When the administrator has switched the bundle on again, it is analysed "
        "by itself."
    ),
    "ReadInShadow": (
        f"{_READ_AS_USUAL} The bundle is on trial: its answers are kept, for those who judge it."
    ),
    "SliceMissing": (
        f"{_READ_AS_USUAL} Send the series again from the scanner or PACS: what was missing is "
        "added and the study is analysed anew."
    ),
    "SpacingUneven": f"{_READ_AS_USUAL} Send a reconstruction with even slice distances.",
    "GeometryMissing": f"{_READ_AS_USUAL} Send the original series, not an export or a copy.",
    "RescaleMissing": f"{_READ_AS_USUAL} Send the original series, not an export or a copy.",
    "PixelDataUndecodable": f"{_READ_AS_USUAL} Send the series uncompressed.",
    "LungsNotFound": f"{_READ_AS_USUAL} Check that the series shows the chest.",
    "VolumeRefused": f"{_READ_AS_USUAL} Send the original series.",
    "BundleRejected": (
        f"{_READ_AS_USUAL} The administrator restores the model bundle; then try again."
    ),
    "WorkerLost": (
        f"{_READ_AS_USUAL} The administrator looks at the worker's log and memory; then try again."
    ),
    "ResultMismatch": (
        f"{_READ_AS_USUAL} Nothing was sent: the result did not agree with the images. "
        "The administrator reports the job’s number."
    ),
    "PeerRefused": (
        "The administrator makes the destination accept our AE title and SOP classes, "
        "then presses “Send again”."
    ),
    "PeerUnreachable": (
        "It is tried again by itself until somebody answers, at least every few minutes. Check "
        "that the destination runs."
    ),
    "PeerBusy": "It is tried again by itself, at least every few minutes.",
    "NotCommitted": (
        "It is sent and asked for again by itself. The administrator checks that the destination "
        "knows our AE title, host and port, so that it can answer."
    ),
    "SpoolFull": "The administrator makes room in the data folder; it goes on by itself.",
    "ObjectStorageUnavailable": "It goes on by itself when the object storage answers.",
    "DatabaseUnavailable": "It goes on by itself when the database answers.",
    "BrokerUnavailable": "It goes on by itself when the broker answers.",
}

OTHER = f"{_READ_AS_USUAL} Try again; if it fails again, tell the administrator the job’s number."


GIVEN_UP = (
    "It was tried too often and is not tried again by itself. When the cause is mended, press "
    "“Send again”."
)
"""Of a delivery that has failed, whatever it met last."""


_GOES_ON = frozenset(
    kind.__name__
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.Unavailable)
)
"""What is tried again by itself, until a row has failed by it."""


_OF_IMAGES = frozenset(
    kind.__name__
    for kind in vars(errors).values()
    if isinstance(kind, type)
    and issubclass(
        kind,
        errors.NoSuitableSeries
        | errors.VolumeRefused
        | errors.PatientUnclear
        | errors.OriginalsRemoved,
    )
    and kind is not errors.PatientCorrected  # its images have changed
)
"""Refusals of a job that lie in the images."""

SAME_IMAGES = (
    "Trying again reads the same images: the answer will be the same, unless a bundle or a setting "
    "was changed."
)


def note_on_retry(error_kind: str) -> str:
    """What to know before a job is tried again; "" where trying again may help."""
    return translated(SAME_IMAGES) if error_kind in _OF_IMAGES else ""


def next_step_of_delivery(state: DeliveryState, error_kind: str) -> str:
    """The sentence for a delivery: what helps one that goes on does not help one that has ended."""
    if state is DeliveryState.FAILED:
        return translated(GIVEN_UP)
    return next_step(error_kind)


def next_step_of_job(state: JobState, error_kind: str) -> str:
    """The sentence for a job that ended without an answer; nothing of it goes on by itself."""
    if state is JobState.FAILED and error_kind in _GOES_ON:
        return translated(OTHER)
    return next_step(error_kind)


def next_step(error_kind: str) -> str:
    """The sentence for a kind of error; a general step for a kind without its own."""
    return translated(STEPS.get(error_kind, OTHER))
