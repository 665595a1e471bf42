"""What is accepted, and what happens with it."""

from __future__ import annotations

from pydicom import uid

from dicom_node.presentation_contexts import (
    ANALYSED,
    COMPANIONS,
    STORAGE_COMMITMENT,
    Handling,
    accepted_contexts,
    decodable_transfer_syntaxes,
    every_storage_context,
    handling_of,
)


def test_ct_is_accepted_in_every_syntax_that_can_be_decoded() -> None:
    """All of the issue's list, HTJ2K included, since a decoder is installed."""
    wanted = {
        uid.ImplicitVRLittleEndian,
        uid.ExplicitVRLittleEndian,
        uid.ExplicitVRBigEndian,
        uid.DeflatedExplicitVRLittleEndian,
        uid.RLELossless,
        uid.JPEGBaseline8Bit,
        uid.JPEGExtended12Bit,
        uid.JPEGLossless,
        uid.JPEGLosslessSV1,
        uid.JPEGLSLossless,
        uid.JPEGLSNearLossless,
        uid.JPEG2000Lossless,
        uid.JPEG2000,
        uid.HTJ2K,
        uid.HTJ2KLossless,
        uid.HTJ2KLosslessRPCL,
    }
    assert wanted <= set(decodable_transfer_syntaxes())
    (ct,) = [c for c in accepted_contexts() if c.abstract_syntax == uid.CTImageStorage]
    assert set(ct.transfer_syntax) == set(decodable_transfer_syntaxes())
    assert ct.transfer_syntax[0] == uid.ExplicitVRLittleEndian


def test_a_whole_study_finds_a_context_for_everything() -> None:
    """Reports, captures and other modalities are accepted, so that the CT beside them comes too."""
    offered = {context.abstract_syntax for context in accepted_contexts()}
    assert offered > ANALYSED | COMPANIONS
    assert {uid.MRImageStorage, uid.PositronEmissionTomographyImageStorage} < offered


def test_handling() -> None:
    """CT is analysed, what comes along with it is a companion, the rest is foreign."""
    assert handling_of(uid.CTImageStorage) is Handling.ANALYSED
    assert handling_of(uid.EnhancedCTImageStorage) is Handling.ANALYSED
    assert handling_of(uid.LegacyConvertedEnhancedCTImageStorage) is Handling.ANALYSED
    for ours in (
        uid.Comprehensive3DSRStorage,
        uid.SegmentationStorage,
        uid.SecondaryCaptureImageStorage,
    ):
        assert handling_of(ours) is Handling.COMPANION
    assert handling_of(uid.MRImageStorage) is Handling.FOREIGN
    assert handling_of("1.2.3") is Handling.FOREIGN


def test_the_stand_in_pacs_takes_everything() -> None:
    """Every SOP class that the node stores, and more transfer syntaxes."""
    assert {c.abstract_syntax for c in accepted_contexts()} - {STORAGE_COMMITMENT} <= {
        c.abstract_syntax for c in every_storage_context()
    }
