"""Which requests are served in which presentation context, and by which service of the library.

PS3.7 Section 9.1 (DIMSE-C) and 10.1 (DIMSE-N); PS3.4 Table CC.2-1 (work items).
"""

from __future__ import annotations

from typing import Final

from pynetdicom.dimse_primitives import (
    C_ECHO,
    C_FIND,
    C_STORE,
    N_ACTION,
    N_EVENT_REPORT,
    N_GET,
    N_SET,
    DimseServiceType,
)

from dicom_node.guard.incoming_data_set import IncomingDataSet
from dicom_node.presentation_contexts import (
    STORAGE_COMMITMENT,
    UPS_PULL,
    UPS_PUSH,
    UPS_QUERY,
    UPS_WATCH,
    VERIFICATION,
)

_SERVED: Final[dict[str, tuple[type[DimseServiceType], ...]]] = {
    VERIFICATION: (C_ECHO,),
    STORAGE_COMMITMENT: (N_EVENT_REPORT,),
    UPS_PULL: (C_FIND, N_GET, N_SET, N_ACTION),  # PS3.4 Table CC.2-1
    UPS_WATCH: (C_FIND, N_GET, N_ACTION),
    UPS_QUERY: (C_FIND,),
}
_STORED: Final = (C_STORE,)


def is_stored(sop_class_uid: str) -> bool:
    """Whether what comes in a context of this SOP class is to be stored."""
    return sop_class_uid not in _SERVED


def is_served(message: DimseServiceType, sop_class_uid: str) -> bool:
    """Whether a message is a request that is answered in a context of this SOP class."""
    return isinstance(message, _SERVED.get(sop_class_uid, _STORED)) and message.is_valid_request


def name_service(message: DimseServiceType, sop_class_uid: str) -> None:
    """Name in a request the SOP class that was agreed: the library chooses the service by it."""
    if isinstance(message, C_STORE) and isinstance(message.DataSet, IncomingDataSet):
        # The handler compares what was announced.
        message.DataSet.announced_sop_class_uid = str(message.AffectedSOPClassUID)
        message.AffectedSOPClassUID = sop_class_uid
    elif isinstance(message, N_EVENT_REPORT | C_FIND):
        message.AffectedSOPClassUID = sop_class_uid  # there is no other in this context
    elif isinstance(message, N_GET | N_SET | N_ACTION):
        message.RequestedSOPClassUID = UPS_PUSH  # PS3.4 Section CC.3.1: of every work item
