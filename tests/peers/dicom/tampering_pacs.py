"""A PACS in this process that lists and gives back what it holds, or something else than that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from pydicom.dataset import Dataset
from pynetdicom import AE, AllStoragePresentationContexts, evt

from settings.peers import Peer
from tests.peers.dicom.served import served

FIND = "1.2.840.10008.5.1.4.1.2.2.1"
MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
GET = "1.2.840.10008.5.1.4.1.2.2.3"
_ECHO = "1.2.840.10008.1.1"
_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_SYNTAXES = ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2"]


@dataclass
class TamperingPacs:
    """A running PACS.

    Attributes
    ----------
    held : what it has, by SOP Instance UID; a test puts it there
    tamper : changes a copy of what is given back
    listed : whether C-FIND names what it has
    moves_to : port on this machine that C-MOVE sends to
    """

    port: int = 0
    held: dict[str, Dataset] = field(default_factory=dict)
    tamper: Callable[[Dataset], None] = lambda _given: None
    listed: bool = True
    moves_to: int = 0

    def as_peer(self, **entries: Any) -> Peer:
        """It as a destination."""
        values = {"name": "pacs", "ae_title": "PACS", "host": "127.0.0.1", "port": self.port}
        return Peer.model_validate({**values, "roles": ["source", "destination"], **entries})

    def find(self, event: Any) -> Iterator[tuple[int, Dataset | None]]:
        """Name the instance that was asked for."""
        uid = str(event.identifier.SOPInstanceUID)
        if self.listed and uid in self.held:
            found = Dataset()
            found.QueryRetrieveLevel, found.SOPInstanceUID = "IMAGE", uid
            yield 0xFF00, found
        yield 0x0000, None

    def get(self, event: Any) -> Iterator[Any]:
        """Give the instance back, changed by `tamper`."""
        held = self.held.get(str(event.identifier.SOPInstanceUID))
        yield int(held is not None)
        if held is not None:
            given = deepcopy(held)
            self.tamper(given)
            yield 0xFF00, given

    def move(self, event: Any) -> Iterator[Any]:
        """Send the instance to where it was asked to be sent."""
        yield "127.0.0.1", self.moves_to
        yield from self.get(event)


@contextmanager
def running_tampering_pacs(
    *, without: Sequence[str] = (), knows: Sequence[str] = (), ae_title: str = "PACS"
) -> Iterator[TamperingPacs]:
    """Start it on a free port, and stop it at the end.

    Parameters
    ----------
    without : SOP classes that it does not take or serve
    knows : AE titles that may call; empty: any
    """
    pacs = TamperingPacs()
    entity = AE(ae_title)
    entity.require_called_aet = True
    entity.require_calling_aet = list(knows)
    storage = [str(one.abstract_syntax) for one in AllStoragePresentationContexts]
    for sop_class in (_ECHO, FIND, GET, MOVE, *storage):
        if sop_class not in without:
            entity.add_supported_context(sop_class, _SYNTAXES, scu_role=True, scp_role=True)
    entity.add_requested_context(_CAPTURE)  # of its association with where a C-MOVE is to go
    handlers = [
        (evt.EVT_C_ECHO, lambda _event: 0x0000),
        (evt.EVT_C_FIND, pacs.find),
        (evt.EVT_C_GET, pacs.get),
        (evt.EVT_C_MOVE, pacs.move),
    ]
    with served(entity, handlers) as pacs.port:
        yield pacs


__all__ = ["FIND", "GET", "MOVE", "TamperingPacs", "running_tampering_pacs"]
