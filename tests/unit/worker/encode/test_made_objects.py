"""The conformance statement names the objects that are made, as they are made."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime

from dicom_node.proposed_contexts import MADE_OBJECTS
from radiology import codes
from radiology.encoding_profile import EncodingChoice, EncodingProfile, SegmentationForm
from tests.unit.worker.encode.encoded_chest import result_context
from worker.encode import encode_results, plan_results, united
from worker.encode.rejection_note import encode_rejection_note


def test_what_is_made_is_what_is_stated() -> None:
    """Every form that a site can choose, and a rejection note: SOP class and transfer syntax."""
    context = result_context()
    choices = [
        EncodingChoice(EncodingProfile.MACHINE, form, encapsulated_pdf=True)
        for form in SegmentationForm
    ]
    recipes = united(plan_results(context, one) for one in choices)
    made = [one.dataset for one in encode_results(context, recipes)]
    made.append(
        encode_rejection_note(
            made,
            codes.REJECTED_FOR_QUALITY,
            rejected_at=datetime(2026, 1, 1, tzinfo=UTC),
            result_version=1,
        ).dataset
    )
    found: dict[str, set[str]] = defaultdict(set)
    for one in made:
        found[one.SOPClassUID].add(one.file_meta.TransferSyntaxUID)
    assert found == {one.sop_class_uid: {*one.transfer_syntaxes} for one in MADE_OBJECTS}
