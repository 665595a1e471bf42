"""WADO-RS, metadata: data sets in the DICOM JSON Model, with addresses for bulk data.

PS3.18 Section 10.4.1.1.2 (metadata resources), Annex F. They are written one after the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from starlette.responses import StreamingResponse

from worklist.dicomweb.accepted import DICOM_JSON, Accepted, json_is_accepted
from worklist.dicomweb.data_sets import read_data_set
from worklist.dicomweb.dicom_json import json_of
from worklist.dicomweb.holdings import HeldFile, HeldFiles
from worklist.dicomweb.multipart import begun
from worklist.dicomweb.refusal import not_acceptable


def metadata_answer(found: HeldFiles, accepted: list[Accepted], root: str) -> StreamingResponse:
    """Every data set without its bulk data.

    Parameters
    ----------
    root : address of the services, without a closing slash

    Raises
    ------
    RequestRefused
        406: anything but DICOM JSON is asked for.
    """
    check_json(accepted)
    return StreamingResponse(
        begun(_written(found, root)), status_code=found.status, media_type=DICOM_JSON
    )


def check_json(accepted: list[Accepted]) -> None:
    """Refuse what is not DICOM JSON.

    Raises
    ------
    RequestRefused
        406
    """
    if not json_is_accepted(accepted):
        raise not_acceptable("This can be had as application/dicom+json.")


def metadata_of(file: HeldFile, root: str) -> dict[str, Any]:
    """The metadata of one instance, with the transfer syntax in which it is stored."""
    data_set = read_data_set(file.path)
    bulk = f"{root}/{file.address}/bulkdata/"
    found = json_of(data_set, lambda place: bulk + place)
    syntax = str(data_set.file_meta.get("TransferSyntaxUID", ""))
    found["00083002"] = {"vr": "UI", "Value": [syntax]}  # Available Transfer Syntax UID
    return dict(sorted(found.items()))


def _written(found: HeldFiles, root: str) -> Iterator[bytes]:
    before = b"["
    for file in found.files:
        # A number that is none would make all of it unreadable: `json_of` writes it as a string.
        yield before + json.dumps(metadata_of(file, root), allow_nan=False).encode()
        before = b",\n"
    yield b"]"
