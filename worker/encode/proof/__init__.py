"""Proves every object: reads its bytes back, and compares them with the source and the reading.

A result over the wrong voxels, or in the wrong study, is worse than none. What is compared here is
found by other ways than those that made the object: from the bytes, by the standard's own words
for place and reference. A mismatch is a defect of ours, and nothing of the result is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path

from pydicom import Dataset, dcmread

from radiology.errors import ResultMismatch
from worker.encode.derived_object import EncodedKind, EncodedObject, ResultContext
from worker.encode.proof.identity import Original, check_identity
from worker.encode.proof.report import check_references, check_report
from worker.encode.proof.segmentation import check_segmentation
from worker.encode.proof.source import ProvedSource

__all__ = ["prove_note", "prove_objects"]


def prove_objects(
    context: ResultContext,
    made: Sequence[EncodedObject],
    contents: Sequence[memoryview],
    originals: Iterable[Path],
) -> None:
    """Check the objects of one result.

    Parameters
    ----------
    made, contents : the objects, segmentations first, and each as the bytes of a DICOM file
    originals : the files that the volume was decoded from

    Raises
    ------
    ResultMismatch
        Something is not what the source and the reading say. The facts name the object and what
        was seen, in identifiers and figures.
    """
    source = ProvedSource.of(context)
    original = Original.of(originals, context.volume.frames[0].sop_instance_uid)
    segmentations: dict[str, Dataset] = {}
    for encoded, content in zip(made, contents, strict=True):
        try:
            read = dcmread(BytesIO(content))
            check_identity(content, original, accession_number=context.accession_number)
            if encoded.kind is EncodedKind.SEG:
                check_segmentation(read, context, source)
                segmentations[str(read.SOPInstanceUID)] = read
            elif encoded.kind is EncodedKind.SR:
                check_report(read, context, source, segmentations)
            else:
                check_references(read, source, segmentations)
        except ResultMismatch as error:
            raise ResultMismatch(error.message, recipe=encoded.recipe, **error.facts) from error


def prove_note(content: memoryview, rejected: Sequence[Path], first_instance: str) -> None:
    """Check that a rejection note is in the name of those whose objects it rejects.

    Parameters
    ----------
    content : the note, as the bytes of a DICOM file
    rejected : the objects
    first_instance : SOP Instance UID of the one that it takes patient and study from

    Raises
    ------
    ResultMismatch
        It is of another patient or study.
    """
    check_identity(content, Original.of(rejected, first_instance))
