"""A small PACS for trials: stores every instance that it gets as a file, and answers C-ECHO.

PS3.4 Annex A and B. It stands in where Orthanc is not installed. It has no patients and no index,
and accepts every peer: nothing for a hospital.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from pynetdicom import evt
from pynetdicom.ae import ApplicationEntity
from pynetdicom.events import Event

from dicom_node.library_options import MAXIMUM_PDU_BYTES, set_library_options
from dicom_node.presentation_contexts import every_storage_context
from dicom_node.spool import instance_path
from dicom_node.status import OUT_OF_RESOURCES, SUCCESS, status_of
from radiology.errors import InvalidUid, SettingsRefused
from radiology.identity import checked_uid


class StandInPacs:
    """A running stand-in PACS; `start_stand_in_pacs` makes it.

    Attributes
    ----------
    port : where it listens
    folder : the files, by study and series
    """

    def __init__(
        self, folder: Path, host: str, port: int, ae_title: str, on_stored: Callable[[Path], None]
    ) -> None:
        self.folder = folder
        self._on_stored = on_stored
        entity = ApplicationEntity(ae_title)
        entity.maximum_pdu_size = MAXIMUM_PDU_BYTES
        handlers: list[evt.EventHandlerType] = [(evt.EVT_C_STORE, self._store)]
        try:
            server = entity.start_server(
                (host, port),
                block=False,
                contexts=list(every_storage_context()),
                evt_handlers=handlers,
            )
        except OSError as error:
            raise SettingsRefused(
                "The stand-in PACS cannot listen: is the port taken?", host=host, port=port
            ) from error
        assert server is not None
        self._server = server
        self.port = int(server.server_address[1])

    def files(self) -> list[Path]:
        """The files stored so far, sorted by path."""
        return sorted(self.folder.rglob("*.dcm"))

    def stop(self) -> None:
        """Stop listening, and abort what is still open."""
        self._server.shutdown()
        for association in self._server.active_associations:
            association.abort()

    def _store(self, event: Event) -> int:
        try:
            place = self.folder / _path(event)
            place.parent.mkdir(parents=True, exist_ok=True)
            begun = place.with_suffix(".part")
            begun.write_bytes(event.encoded_dataset())
            begun.replace(place)
        except InvalidUid as error:
            return status_of(error)
        except OSError:
            return OUT_OF_RESOURCES
        with contextlib.suppress(OSError):
            self._on_stored(place)
        return SUCCESS


def start_stand_in_pacs(
    folder: Path,
    *,
    port: int,
    host: str = "127.0.0.1",
    ae_title: str = "PACS",
    on_stored: Callable[[Path], None] = lambda path: None,
) -> StandInPacs:
    """Start a stand-in PACS in threads of its own.

    Parameters
    ----------
    folder : for the files; made if it is not there
    port : 0 for any free one
    on_stored : called with each stored file, from the thread of its association

    Raises
    ------
    SettingsRefused
        The port is taken.
    """
    set_library_options()
    folder.mkdir(parents=True, exist_ok=True)
    return StandInPacs(folder, host, port, ae_title, on_stored)


def _path(event: Event) -> str:
    data_set = event.dataset
    return instance_path(
        checked_uid(str(data_set.get("StudyInstanceUID", "")), "StudyInstanceUID"),
        checked_uid(str(data_set.get("SeriesInstanceUID", "")), "SeriesInstanceUID"),
        checked_uid(str(data_set.get("SOPInstanceUID", "")), "SOPInstanceUID"),
    )
