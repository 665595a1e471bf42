"""The exception tree: refusals, defects, and what is unavailable for now.

FirstreadError
├── Refused                 not acceptable as it is; never retried; shown with its reason
│   ├── InstanceRefused     (InvalidUid, AttributeMissing, NotStorable, InstanceConflict,
│   │                        DataSetUnreadable)
│   ├── PictureRefused
│   ├── UploadRefused
│   ├── ClinicalValuesRefused
│   ├── PatientUnclear      (SeveralPatients, PatientUnreadable, PatientCorrected)
│   ├── OriginalsRemoved
│   ├── NotForgotten
│   ├── ArchiveRefused
│   ├── NotRestored
│   ├── NoSuitableSeries    (BundleDoesNotApply)
│   ├── BundleSwitchedOff
│   ├── ReadInShadow
│   ├── VolumeRefused       (RescaleMissing, SpacingUneven, SliceMissing, GeometryMissing,
│   │                        PixelDataUndecodable, LungsNotFound)
│   ├── BundleRejected
│   ├── SettingsRefused
│   ├── AccountRefused
│   ├── IdentityRefused
│   ├── ReadingUnreadable
│   ├── ResultNotWithdrawable
│   ├── FeedbackRefused
│   ├── ListRefused
│   ├── MessageRefused
│   └── PeerRefused
├── ResultMismatch          a defect of ours that was caught before it did harm
├── MessageMalformed        likewise
├── WorkerLost              workers stopped each time that they had a row of a queue
└── Unavailable             something that we need is not there now; retried with capped backoff
    ├── PeerUnreachable
    ├── PeerBusy
    ├── NotCommitted
    ├── SpoolFull
    ├── ObjectStorageUnavailable
    ├── BackupNotWritten
    ├── DatabaseUnavailable
    ├── IdentityProviderUnavailable
    ├── BrokerUnavailable
    └── ModelUnavailable

The docstring of a class is its default message. Facts go into attributes, given as keyword
arguments; they are identifiers and figures, never patient names or free text. What a peer says in
its own words is kept apart from them (`said`), because it may name a patient.
Anything outside this tree is a defect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from radiology.words.peer_words import with_words

Fact = str | int | float | bool | None


class FirstreadError(Exception):
    """Something went wrong in Firstread.

    Attributes
    ----------
    said : a peer's own words, made readable; never for the log as they are
    """

    def __init__(self, message: str | None = None, said: str = "", /, **facts: Fact) -> None:
        self.message = message or (type(self).__doc__ or type(self).__name__).splitlines()[0]
        self.said = said
        self.facts: Mapping[str, Fact] = dict(facts)
        super().__init__(self.message)

    @property
    def kind(self) -> str:
        """The name of the class: what `docs/errors.md` lists and the job row stores."""
        return type(self).__name__

    @property
    def in_full(self) -> str:
        """Message, facts and the peer's words: for rows and people."""
        return with_words(str(self), self.said)

    def __str__(self) -> str:
        if not self.facts:
            return self.message
        listed = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"{self.message} ({listed})"


class Refused(FirstreadError):
    """This is not acceptable as it is; trying again would not help."""


class InstanceRefused(Refused):
    """The instance cannot be stored as it is."""


class InvalidUid(InstanceRefused):
    """A unique identifier is not valid (PS3.5 Section 9.1)."""


class AttributeMissing(InstanceRefused):
    """The data set lacks an attribute that a study cannot be assembled without."""


class NotStorable(InstanceRefused):
    """The SOP class or transfer syntax is not one that we analyse."""


class InstanceConflict(InstanceRefused):
    """A different object is already stored under this SOP Instance UID."""


class DataSetUnreadable(InstanceRefused):
    """The bytes are not a DICOM data set that can be read."""


class PictureRefused(Refused):
    """The file is not a picture of a slice that can be read."""


class UploadRefused(Refused):
    """What was uploaded cannot be looked at."""


class ClinicalValuesRefused(Refused):
    """A clinical value is unknown, of another kind, or outside what is possible.

    Attributes
    ----------
    problems : field to what is wrong with it, for a form that shows each beside its field. The
        values themselves are not repeated: a number may be a birth date, a word a name.
    """

    def __init__(self, problems: Mapping[str, str] | None = None) -> None:
        self.problems: Mapping[str, str] = dict(problems or {})
        listed = "; ".join(f"{field} {problem}" for field, problem in self.problems.items())
        super().__init__(f"Clinical values refused: {listed}" if listed else None)


class PatientUnclear(Refused):
    """It is not clear whose study this is: nothing is said or sent in anybody's name."""


class SeveralPatients(PatientUnclear):
    """Two patients in one study: correct the wrong images at their sender and send them again."""


class PatientUnreadable(PatientUnclear):
    """Whose study this is cannot be read, by VR or character set: correct the sender."""


class PatientCorrected(PatientUnclear):
    """The study was corrected while it was read: it is read again as it is now."""


class NoSuitableSeries(Refused):
    """No series of the study can be analysed.

    Attributes
    ----------
    reasons : why each was refused and what was seen, each reason once; no text of a data set
    """

    def __init__(
        self, message: str | None = None, *, reasons: Sequence[str] = (), **facts: Fact
    ) -> None:
        self.reasons = tuple(dict.fromkeys(reasons))
        super().__init__(message, **facts)


class BundleDoesNotApply(NoSuitableSeries):
    """No series of the study is of the kind that this bundle reads."""


class BundleSwitchedOff(Refused):
    """The bundle was switched off before it read the study."""


class ReadInShadow(Refused):
    """The bundle runs in shadow: its answer is stored, and nobody is shown it."""


class VolumeRefused(Refused):
    """The series does not give a volume that can be measured."""


class OriginalsRemoved(Refused):
    """Images of this study are not kept here any more: send the whole study again."""


class NotForgotten(Refused):
    """Nothing was removed: it is not clear what is meant, or work on it has not ended."""


class ArchiveRefused(Refused):
    """This is no whole archive of 'firstread backup', or not one that this version can restore."""


class NotRestored(Refused):
    """Nothing was restored or moved: the target is not empty, or Firstread runs there."""


class RescaleMissing(VolumeRefused):
    """Rescale Slope or Rescale Intercept is missing: Hounsfield units are not known."""


class SpacingUneven(VolumeRefused):
    """The distances between slices differ."""


class SliceMissing(VolumeRefused):
    """A slice is missing in the middle of the series."""


class GeometryMissing(VolumeRefused):
    """Position, orientation or pixel spacing is missing or differs within the series."""


class PixelDataUndecodable(VolumeRefused):
    """The pixel data cannot be decoded."""


class LungsNotFound(VolumeRefused):
    """No lungs were found in the series."""


class BundleRejected(Refused):
    """The model bundle is damaged or does not say what it must."""


class SettingsRefused(Refused):
    """A setting is missing or wrong."""


class AccountRefused(Refused):
    """An account, its name or its password is not acceptable."""


class IdentityRefused(Refused):
    """What the identity provider says of a person cannot be believed, or gives them no role."""


class ReadingUnreadable(Refused):
    """A stored reading is of a version that is not known here, or is damaged."""


class ResultNotWithdrawable(Refused):
    """There is no such result, or it was withdrawn already."""


class FeedbackRefused(Refused):
    """The feedback contradicts itself, or the result that it is about."""


class ListRefused(Refused):
    """A filter of the list cannot be saved under this name, or not at all."""


class MessageRefused(Refused):
    """The HL7 message cannot be read, or is not one that we take."""


class PeerRefused(Refused):
    """The peer refused for good: association rejected, SOP class or data not accepted."""


class ResultMismatch(FirstreadError):
    """A result object does not agree with its source; nothing of the result is sent."""


class MessageMalformed(FirstreadError):
    """An HL7 message that we built is not what the standard allows; it is not sent."""


class WorkerLost(FirstreadError):
    """The worker stopped each time while it had this."""


class Unavailable(FirstreadError):
    """Something that we need is not there now; it will be tried again."""


class PeerUnreachable(Unavailable):
    """The peer does not answer."""


class PeerBusy(Unavailable):
    """The peer is out of resources for now (PS3.4 Table B.2-1, status A7xx)."""


class NotCommitted(Unavailable):
    """The peer has not promised to keep what it was sent (PS3.4 Annex J); it is sent again."""


class SpoolFull(Unavailable):
    """There is no room left where received instances are kept."""


class ObjectStorageUnavailable(Unavailable):
    """The object storage does not answer, or does not let us in."""


class BackupNotWritten(Unavailable):
    """The archive could not be written; what there was of it is removed."""


class DatabaseUnavailable(Unavailable):
    """The database does not answer."""


class IdentityProviderUnavailable(Unavailable):
    """The identity provider does not answer."""


class BrokerUnavailable(Unavailable):
    """The message broker does not answer."""


class ModelUnavailable(Unavailable):
    """The worker has no usable model bundle."""
