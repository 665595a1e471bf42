"""EVT_C_STORE: an instance that comes over an association, and the status that answers it.

PS3.7 Section 9.1.1 (C-STORE). `store_instance` does the storing; the association goes on whatever
becomes of an instance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import cast

from pydicom.dataset import Dataset
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.events import Event

from database.doctor.ticket import is_ticket
from database.session import Engine
from dicom_node.guard.accepted_association import AcceptedAssociation
from dicom_node.guard.incoming_data_set import IncomingDataSet
from dicom_node.guard.store_command import StoreRequest
from dicom_node.receive.store_instance import Announced, InstanceStore
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

    def store(
        self,
        association: AcceptedAssociation,
        arrived: Sequence[tuple[StoreRequest, IncomingDataSet]],
    ) -> list[tuple[int, str]]:
        """Store instances that have come whole; gives status and Error Comment of each."""
        announced = [(self._announced(association, *one), one[1]) for one in arrived]
        return [(one.status, one.comment) for one in self._store.store_all(association, announced)]

    def _announced(
        self, association: AcceptedAssociation, request: StoreRequest, incoming: IncomingDataSet
    ) -> Announced:
        return Announced(
            association.context(request.context_id),
            incoming.announced_sop_class_uid,
            request.sop_instance_uid,
            # the answer to a C-MOVE request of ours (PS3.7 Section 9.1.1)
            asked_for=request.move_originator == self._ae_title
            or is_ticket(association.calling_ae_title),
        )

    def handle_store(self, event: Event) -> Dataset:
        """Answer a C-STORE request that the library has read."""
        association = cast("AcceptedAssociation", event.assoc)
        primitive = cast("C_STORE", event.request)
        incoming = cast("IncomingDataSet", primitive.DataSet)
        originator = primitive.MoveOriginatorApplicationEntityTitle or ""
        request = StoreRequest(
            cast("int", primitive._context_id),
            cast("int", primitive.MessageID),
            incoming.announced_sop_class_uid,
            str(primitive.AffectedSOPInstanceUID),
            originator.strip("\0 "),
        )
        try:
            (answer,) = self.store(association, [(request, incoming)])
            return _response(*answer)
        finally:
            association.forget(incoming)


def _response(status: int, comment: str) -> Dataset:
    """A C-STORE response's status, with an Error Comment (PS3.7 Annex C) where it failed."""
    response = Dataset()
    response.Status = status
    if comment:
        response.ErrorComment = comment
    return response
