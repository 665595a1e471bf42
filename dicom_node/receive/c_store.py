"""EVT_C_STORE: an instance that comes over an association, and the status that answers it.

PS3.7 Section 9.1.1 (C-STORE). `store_instance` does the storing; the association goes on whatever
becomes of an instance.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import cast

from pydicom.dataset import Dataset
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.events import Event

from database.doctor.ticket import is_ticket
from database.session import Engine
from dicom_node.guard.accepted_association import AcceptedAssociation
from dicom_node.guard.incoming_data_set import IncomingDataSet
from dicom_node.receive.store_instance import Announced, GivenStatus, InstanceStore
from dicom_node.spool import Spool, SpoolFile
from settings.environment import Settings


class Receiver:
    """Stores the instances that peers send over associations.

    Parameters
    ----------
    settings : limits and folders
    engine : of the database
    spool : where instances are kept
    clock : gives the moment of arrival
    """

    def __init__(
        self, settings: Settings, engine: Engine, spool: Spool, clock: Callable[[], datetime]
    ) -> None:
        self._ae_title = settings.ae_title
        self._store = InstanceStore(settings, engine, spool, clock)

    def open_file(
        self, association: AcceptedAssociation, context_id: int, sop_instance_uid: str
    ) -> SpoolFile | None:
        """Open the file for a data set that begins to arrive; None when it is not kept."""
        context = association.context(context_id)
        return self._store.open_file(association, context, sop_instance_uid)

    def handle_store(self, event: Event) -> Dataset:
        """Answer a C-STORE request."""
        association = cast("AcceptedAssociation", event.assoc)
        request = cast("C_STORE", event.request)
        incoming = cast("IncomingDataSet", request.DataSet)
        announced = Announced(
            association.context(cast("int", request._context_id)),
            incoming.announced_sop_class_uid,
            str(request.AffectedSOPInstanceUID),
            asked_for=_names_us(request, self._ae_title) or is_ticket(association.calling_ae_title),
        )
        try:
            return _response(self._store.store(association, announced, incoming))
        finally:
            association.forget(incoming)


def _names_us(request: C_STORE, ae_title: str) -> bool:
    """Whether this is the answer to a C-MOVE request of ours (PS3.7 Section 9.1.1)."""
    originator = request.MoveOriginatorApplicationEntityTitle
    return originator is not None and originator.strip("\0 ") == ae_title


def _response(answer: GivenStatus) -> Dataset:
    """A C-STORE response's status, with an Error Comment (PS3.7 Annex C) where it failed."""
    response = Dataset()
    response.Status = answer.status
    if answer.comment:
        response.ErrorComment = answer.comment
    return response
