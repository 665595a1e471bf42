"""The SOP classes and transfer syntaxes that we accept, and what happens to each SOP class.

PS3.8 Section 9.3.2.2 (presentation contexts), PS3.4 Table B.5-1 (SOP classes of the Storage Service
Class), PS3.5 Annex A (transfer syntaxes). Why objects that are commonly sent beside a CT are not
refused: docs/decisions/0011-objects-that-are-not-ct.md.
"""

from __future__ import annotations

from enum import Enum, auto
from functools import cache
from importlib.util import find_spec

from pydicom import uid
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID
from pynetdicom import AllStoragePresentationContexts
from pynetdicom.presentation import PresentationContext, build_context

VERIFICATION = UID("1.2.840.10008.1.1")  # PS3.4 Section A.4
STORAGE_COMMITMENT = UID("1.2.840.10008.1.20.1")  # PS3.4 Section J.3.1, Push Model

# PS3.4 Table CC.3.1-1. The first is also the SOP class of every work item.
UPS_PUSH = UID("1.2.840.10008.5.1.4.34.6.1")
UPS_WATCH = UID("1.2.840.10008.5.1.4.34.6.2")
UPS_PULL = UID("1.2.840.10008.5.1.4.34.6.3")
UPS_EVENT = UID("1.2.840.10008.5.1.4.34.6.4")
UPS_QUERY = UID("1.2.840.10008.5.1.4.34.6.5")

LABEL_MAP_SEGMENTATION = UID("1.2.840.10008.5.1.4.1.1.66.7")  # PS3.4 Table B.5-1


class Handling(Enum):
    """What happens to an instance of a SOP class."""

    ANALYSED = auto()  # kept, and part of the study
    COMPANION = auto()  # belongs to a study of CT images: answered with Success, not kept
    FOREIGN = auto()  # another modality: answered with a warning and noted, not kept


ANALYSED = frozenset(
    {uid.CTImageStorage, uid.EnhancedCTImageStorage, uid.LegacyConvertedEnhancedCTImageStorage}
)

# What a PACS or router sends along with a CT study, our own results among it.
COMPANIONS = frozenset(
    {
        # Reports and key images
        uid.BasicTextSRStorage,
        uid.EnhancedSRStorage,
        uid.ComprehensiveSRStorage,
        uid.Comprehensive3DSRStorage,
        uid.ExtensibleSRStorage,
        uid.ProcedureLogStorage,
        uid.ChestCADSRStorage,
        uid.XRayRadiationDoseSRStorage,
        uid.PatientRadiationDoseSRStorage,
        uid.EnhancedXRayRadiationDoseSRStorage,
        uid.RadiopharmaceuticalRadiationDoseSRStorage,
        uid.PerformedImagingAgentAdministrationSRStorage,
        uid.PlannedImagingAgentAdministrationSRStorage,
        uid.AcquisitionContextSRStorage,
        uid.KeyObjectSelectionDocumentStorage,
        # Presentation states
        uid.GrayscaleSoftcopyPresentationStateStorage,
        uid.ColorSoftcopyPresentationStateStorage,
        uid.PseudoColorSoftcopyPresentationStateStorage,
        uid.BlendingSoftcopyPresentationStateStorage,
        uid.AdvancedBlendingPresentationStateStorage,
        # Made from the images
        uid.SegmentationStorage,
        LABEL_MAP_SEGMENTATION,
        uid.SurfaceSegmentationStorage,
        uid.ParametricMapStorage,
        uid.SpatialRegistrationStorage,
        uid.DeformableSpatialRegistrationStorage,
        uid.SpatialFiducialsStorage,
        uid.RealWorldValueMappingStorage,
        uid.RTStructureSetStorage,
        uid.SecondaryCaptureImageStorage,
        uid.MultiFrameSingleBitSecondaryCaptureImageStorage,
        uid.MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
        uid.MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
        uid.MultiFrameTrueColorSecondaryCaptureImageStorage,
        # Documents and raw data
        uid.EncapsulatedPDFStorage,
        uid.EncapsulatedCDAStorage,
        uid.RawDataStorage,
    }
)

# The order is our preference where a sender offers several in one presentation context.
_OFFERED = (
    uid.ExplicitVRLittleEndian,
    uid.ImplicitVRLittleEndian,
    uid.DeflatedExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.RLELossless,
    uid.JPEGLSLossless,
    uid.JPEGLosslessSV1,
    uid.JPEGLossless,
    uid.JPEG2000Lossless,
    uid.HTJ2KLossless,
    uid.HTJ2KLosslessRPCL,
    uid.JPEGLSNearLossless,
    uid.JPEG2000,
    uid.HTJ2K,
    uid.JPEGExtended12Bit,
    uid.JPEGBaseline8Bit,
)

# Retired lossy JPEG of 12 bits, which pydicom does not know how to decode but GDCM does.
_RETIRED_JPEG = (
    UID("1.2.840.10008.1.2.4.53"),  # Spectral Selection (Process 6 and 8)
    UID("1.2.840.10008.1.2.4.55"),  # Full Progression (Process 10 and 12)
)


def handling_of(sop_class_uid: str) -> Handling:
    """What happens to an instance of this SOP class."""
    if sop_class_uid in ANALYSED:
        return Handling.ANALYSED
    return Handling.COMPANION if sop_class_uid in COMPANIONS else Handling.FOREIGN


@cache
def decodable_transfer_syntaxes() -> tuple[UID, ...]:
    """The transfer syntaxes that this installation can decode, the most welcome first."""
    decodable = tuple(syntax for syntax in _OFFERED if get_decoder(syntax).is_available)
    return decodable + (_RETIRED_JPEG if find_spec("gdcm") is not None else ())


@cache
def accepted_contexts() -> tuple[PresentationContext, ...]:
    """The presentation contexts that the node accepts, for Storage and what reporting takes.

    What is not kept is accepted in every transfer syntax: it is not decoded either.
    """
    contexts = list(reporting_contexts())
    any_syntax: list[str | UID] = list(uid.AllTransferSyntaxes)
    for sop_class_uid in sorted(_storage_classes()):
        kept = handling_of(sop_class_uid) is Handling.ANALYSED
        decodable: list[str | UID] = [*decodable_transfer_syntaxes()]
        contexts.append(build_context(sop_class_uid, decodable if kept else any_syntax))
    return tuple(contexts)


@cache
def reporting_contexts() -> tuple[PresentationContext, ...]:
    """The contexts for a peer that only reports on storage commitment.

    It requests the association and is the SCP all the same (PS3.4 Section J.3.3, PS3.7 Section
    D.3.3.4, role selection).
    """
    commitment = build_context(STORAGE_COMMITMENT)
    commitment.scu_role, commitment.scp_role = False, True
    return (build_context(VERIFICATION), commitment)


@cache
def worklist_contexts() -> tuple[PresentationContext, ...]:
    """The contexts for a client of the worklist: it finds, watches and takes work items."""
    classes = (VERIFICATION, UPS_PULL, UPS_WATCH, UPS_QUERY)
    return tuple(build_context(sop_class_uid) for sop_class_uid in classes)


@cache
def every_storage_context() -> tuple[PresentationContext, ...]:
    """Contexts for every SOP class in every transfer syntax, for a stand-in PACS."""
    any_syntax: list[str | UID] = [*uid.AllTransferSyntaxes, *_RETIRED_JPEG]
    storage = [build_context(uid_, any_syntax) for uid_ in sorted(_storage_classes())]
    return (build_context(VERIFICATION), *storage)


def _storage_classes() -> set[UID]:
    known = {UID(str(context.abstract_syntax)) for context in AllStoragePresentationContexts}
    return known | ANALYSED | COMPANIONS
