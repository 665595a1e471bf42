"""The phantom's identity: patient, study and series attributes, and UIDs derived from them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from pydicom.dataset import Dataset

from phantom.posture import Posture
from phantom.synthesis import Phantom
from radiology.identity import derived_uid
from settings.peers import RequestPriority


@dataclass(frozen=True)
class StudyIdentity:
    """What all instances of a study share.

    Attributes
    ----------
    key : what all UIDs are derived from: the same key gives the same study again
    moment : when it "was scanned"; only date and time are written
    priority : Requested Procedure Priority (0040,1003); None leaves it out
    issuer_of_patient_id : (0010,0021); empty leaves it out
    """

    key: str
    patient_id: str = "PHANTOM-1"
    patient_name: str = "Phantom^Chest"
    accession_number: str = "PH1"
    moment: datetime = datetime(2026, 1, 1, 12, 0)  # noqa: DTZ001 a scanner's clock has no zone
    priority: RequestPriority | None = None
    patient_birth_date: str = ""
    patient_sex: str = "O"
    issuer_of_patient_id: str = ""

    @classmethod
    def of(
        cls,
        phantom: Phantom,
        *,
        patient_id: str | None = None,
        moment: datetime | None = None,
        priority: RequestPriority | None = None,
        salt: str = "",
    ) -> StudyIdentity:
        """The identity that follows from what a phantom was made from.

        Parameters
        ----------
        patient_id : PHANTOM and the seed when not given
        salt : anything, to get a second study of the same phantom
        """
        made_from = (
            phantom.seed,
            phantom.specified_lesions,
            phantom.volume.shape,
            phantom.volume.affine.round(6).tolist(),
            salt,
            *(() if phantom.posture == Posture() else (phantom.posture,)),
        )
        return cls(
            key=hashlib.sha256(repr(made_from).encode()).hexdigest(),
            patient_id=patient_id or f"PHANTOM-{phantom.seed}",
            accession_number=f"PH{phantom.seed}",
            moment=moment or cls.moment,
            priority=priority,
        )

    def uid(self, *what: str) -> str:
        """A UID of this study for something that is named by `what`."""
        return derived_uid("phantom", self.key, *what)

    def add_to(self, dataset: Dataset) -> None:
        """Patient, General Study and Frame of Reference attributes (PS3.3 C.7.1.1, C.7.2.1)."""
        dataset.SpecificCharacterSet = "ISO_IR 192"
        dataset.PatientName = self.patient_name
        dataset.PatientID = self.patient_id
        dataset.PatientBirthDate = self.patient_birth_date
        dataset.PatientSex = self.patient_sex
        if self.issuer_of_patient_id:
            dataset.IssuerOfPatientID = self.issuer_of_patient_id
        dataset.StudyInstanceUID = self.uid("study")
        dataset.StudyID = "1"
        dataset.StudyDate = self.moment.strftime("%Y%m%d")
        dataset.StudyTime = self.moment.strftime("%H%M%S")
        dataset.AccessionNumber = self.accession_number
        dataset.ReferringPhysicianName = ""
        dataset.StudyDescription = "Chest phantom"
        if self.priority is not None:
            self._add_request(dataset)

    def _add_request(self, dataset: Dataset) -> None:
        """The request, as scanners copy it from their modality worklist (PS3.3 10.6).

        The priority has no place in the Request Attributes macro; scanners that pass it on put
        it at the top or into that sequence, as a Standard Extended SOP Class may (PS3.2 7.3).
        """
        assert self.priority is not None
        request = Dataset()
        request.RequestedProcedureID = "RP1"
        request.ScheduledProcedureStepID = "SPS1"
        dataset.RequestAttributesSequence = [request]
        dataset.RequestedProcedurePriority = self.priority.value


@dataclass(frozen=True)
class SeriesAttributes:
    """What all instances of a series share."""

    name: str  # tells the series of a study apart; part of its UIDs
    number: int
    description: str
    image_type: tuple[str, ...]
    convolution_kernel: str = "D40s"
    slice_thickness_mm: float | None = None

    def add_to(self, dataset: Dataset, study: StudyIdentity) -> None:
        """General Series, Frame of Reference and Equipment attributes (PS3.3 C.7.3.1 …)."""
        dataset.Modality = "CT"
        dataset.SeriesInstanceUID = study.uid("series", self.name)
        dataset.SeriesNumber = self.number
        dataset.SeriesDescription = self.description
        dataset.SeriesDate = dataset.StudyDate
        dataset.SeriesTime = dataset.StudyTime
        dataset.BodyPartExamined = "CHEST"
        dataset.PatientPosition = "HFS"
        dataset.ProtocolName = "Chest"
        dataset.FrameOfReferenceUID = study.uid("frame of reference")
        dataset.PositionReferenceIndicator = ""
        dataset.Manufacturer = "Firstread"
        dataset.ManufacturerModelName = "Chest phantom"
        dataset.DeviceSerialNumber = "1"
        dataset.SoftwareVersions = "1"


THIN_SERIES = SeriesAttributes(
    name="thin",
    number=2,
    description="Chest thin soft",
    image_type=("ORIGINAL", "PRIMARY", "AXIAL"),
)
