"""A PACS that refuses whatever it is asked, with a status and in words of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import AllTransferSyntaxes
from pynetdicom import AE, AllStoragePresentationContexts, evt

from settings.peers import Peer
from tests.peers.dicom.served import served

_OTHERS = (
    "1.2.840.10008.1.1",  # Verification
    "1.2.840.10008.1.20.1",  # Storage Commitment Push Model
    "1.2.840.10008.5.1.4.1.2.2.1",  # Study Root FIND
    "1.2.840.10008.5.1.4.1.2.2.2",  # Study Root MOVE
    "1.2.840.10008.5.1.4.34.6.1",  # UPS Push
    "1.2.840.10008.5.1.4.34.6.2",  # UPS Watch
    "1.2.840.10008.5.1.4.34.6.3",  # UPS Pull
)


@dataclass
class RefusingPacs:
    """A running PACS; `status` and `comment` may be changed while it runs.

    Attributes
    ----------
    asked : how many requests it has refused
    """

    status: int
    comment: str
    port: int = 0
    asked: int = 0

    @property
    def as_peer(self) -> Peer:
        """Where it is."""
        return Peer.model_validate(
            {"name": "pacs", "ae_title": "PACS", "host": "127.0.0.1", "port": self.port}
        )

    def answer(self, _event: Any) -> Dataset:
        """The status of every response (PS3.7 Annex C)."""
        self.asked += 1
        answer = Dataset()
        answer.Status = self.status
        answer.ErrorComment = self.comment
        return answer

    def answer_with_data(self, event: Any) -> tuple[Dataset, None]:
        """Of a DIMSE-N service."""
        return self.answer(event), None

    def answer_query(self, event: Any) -> Iterator[tuple[Dataset, None]]:
        """Of C-FIND."""
        yield self.answer(event), None

    def answer_move(self, event: Any) -> Iterator[Any]:
        """Of C-MOVE: where to (itself, which will do), how many, and then the status."""
        yield "127.0.0.1", self.port
        yield 1
        yield self.answer(event), None


@contextmanager
def running_refusing_pacs(status: int, comment: str) -> Iterator[RefusingPacs]:
    """Start it on a free port, and stop it at the end."""
    pacs = RefusingPacs(status, comment)
    entity = AE("PACS")
    for context in AllStoragePresentationContexts:
        entity.add_supported_context(context.abstract_syntax or "", AllTransferSyntaxes)
    for sop_class in _OTHERS:
        entity.add_supported_context(sop_class)
    entity.add_requested_context(_OTHERS[0])  # of its association with where a C-MOVE is to go
    handlers = [
        (evt.EVT_C_STORE, pacs.answer),
        (evt.EVT_C_ECHO, pacs.answer),
        (evt.EVT_C_FIND, pacs.answer_query),
        (evt.EVT_C_MOVE, pacs.answer_move),
        (evt.EVT_N_ACTION, pacs.answer_with_data),
        (evt.EVT_N_CREATE, pacs.answer_with_data),
        (evt.EVT_N_SET, pacs.answer_with_data),
        (evt.EVT_N_GET, pacs.answer_with_data),
    ]
    with served(entity, handlers) as pacs.port:
        yield pacs
