"""Our work items as SCP: C-FIND, N-GET, N-SET and N-ACTION of clients of the worklist.

PS3.4 Annex CC: UPS Pull, UPS Watch and UPS Query. Only peers with the role "worklist-client" are
offered these SOP classes (`association_audit`). Whatever they send gets a status.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final, cast

from pydicom.dataset import Dataset
from pydicom.tag import BaseTag
from pynetdicom.dimse_primitives import C_FIND, N_ACTION, N_GET, N_SET
from pynetdicom.events import Event

from database.accounts.audit import Actor, record_audit
from database.session import Engine, Session, query, transaction
from database.work_items.content import (
    StoredWorkItem,
    WorkItemKeys,
    find_work_items,
    read_work_items,
)
from database.work_items.kept import locked_work_item, set_performed
from dicom_node.guard.accepted_association import AcceptedAssociation
from dicom_node.guard.guarded_upper_layer import LIBRARY_FAULTS
from dicom_node.status import INVALID_ARGUMENT_VALUE, OUT_OF_RESOURCES, RESOURCE_LIMITATION, SUCCESS
from dicom_node.work_items.actions import Apply, WorkItemActions, standing_of
from dicom_node.work_items.data_set import stored_data_set
from dicom_node.work_items.matching import answer_of, keys_of, matches
from dicom_node.work_items.moments import Zone
from dicom_node.work_items.request import (
    RequestFault,
    performed_of,
    read_data_set,
    transaction_uid_of,
    work_item_uid_of,
)
from dicom_node.work_items.status import (
    IDENTIFIER_MISMATCH,
    INVALID_ATTRIBUTE_VALUE,
    NO_SUCH_WORK_ITEM,
    OPTIONAL_NOT_SUPPORTED,
)
from dicom_node.work_items.transitions import set_status
from radiology.errors import DatabaseUnavailable
from settings.environment import Settings
from settings.log.log_events import get_logger

_log = get_logger("work_items")

_MATCH, _MATCH_WITH_UNKNOWN_KEYS, _CANCEL = 0xFF00, 0xFF01, 0xFE00  # PS3.4 Table CC.2.8-2
_MOST_MATCHES: Final = 10_000
_AT_ONCE: Final = 200
_RECORDED_AGAIN: Final = timedelta(minutes=5)


class WorkItemProvider:
    """Serves our work items.

    Parameters
    ----------
    settings : the clients, and where images and results can be had from
    engine : of the database
    clock : gives the moment of a request
    """

    def __init__(self, settings: Settings, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock
        self._searched: dict[tuple[str, str], datetime] = {}  # clients are named in the settings
        self._zone = settings.zone
        self._actions = WorkItemActions(
            frozenset(one.ae_title for one in settings.told_of_work_items)
        )
        reached = (one.ae_title for one in settings.destinations if one.has_address)
        self._retrieve_ae_title = next(reached, "")

    def handle_find(self, event: Event) -> Iterator[tuple[int, Dataset | None]]:
        """Answer a C-FIND: the most urgent work item first."""
        request = cast("C_FIND", event.request)
        try:
            identifier, keys = read_data_set(
                request.Identifier,
                lambda: event.identifier,
                lambda identifier: (identifier, _keys(identifier, self._zone)),
                fault=IDENTIFIER_MISMATCH,
            )
            with query(self._engine) as session:
                found = find_work_items(session, keys, limit=_MOST_MATCHES + 1)
            self._record_search(event, len(found))
            for begin in range(0, min(len(found), _MOST_MATCHES), _AT_ONCE):
                yield from self._answers(found[begin : begin + _AT_ONCE], identifier, event)
                if event.is_cancelled:
                    yield _CANCEL, None
                    return
        except RequestFault as fault:
            status = OUT_OF_RESOURCES if fault.status == RESOURCE_LIMITATION else fault.status
            self._refused(event, "C-FIND", status)
            yield status, None
        except DatabaseUnavailable:
            yield OUT_OF_RESOURCES, None
        else:
            if len(found) > _MOST_MATCHES:  # the client must not take this for everything
                yield OUT_OF_RESOURCES, None

    def handle_get(self, event: Event) -> tuple[int, Dataset | None]:
        """Answer an N-GET: the attributes that are asked for, or all."""
        request = cast("N_GET", event.request)
        try:
            uid = work_item_uid_of(request.RequestedSOPInstanceUID)
            stored = self._read(uid)
        except RequestFault as fault:
            return self._refused(event, "N-GET", fault.status), None
        except DatabaseUnavailable:
            return RESOURCE_LIMITATION, None
        if stored is None:
            return self._refused(event, "N-GET", NO_SUCH_WORK_ITEM), None
        data_set = stored_data_set(stored)
        wanted = _tags(request.AttributeIdentifierList)
        if not wanted:
            return SUCCESS, data_set
        answer = Dataset()
        for tag in wanted:
            if tag in data_set:
                answer[tag] = data_set[tag]
        everything = all(tag in data_set for tag in wanted)
        return SUCCESS if everything else OPTIONAL_NOT_SUPPORTED, answer

    def handle_set(self, event: Event) -> tuple[int, None]:
        """Answer an N-SET: what the client that has taken a work item says of its work."""
        request = cast("N_SET", event.request)
        now = self._clock()

        def take(modifications: Dataset) -> Apply:
            transaction_uid = transaction_uid_of(modifications)
            performed, everything = performed_of(modifications)

            def apply(session: Session) -> int:
                item = locked_work_item(session, uid)
                status = set_status(standing_of(item), transaction_uid)
                if item is None or status != SUCCESS:
                    return status
                set_performed(session, item, performed, now)
                return SUCCESS if everything else OPTIONAL_NOT_SUPPORTED

            return apply

        try:
            uid = work_item_uid_of(request.RequestedSOPInstanceUID)
            apply = read_data_set(
                request.ModificationList,
                lambda: event.modification_list,
                take,
                fault=INVALID_ATTRIBUTE_VALUE,
            )
        except RequestFault as fault:
            return self._refused(event, "N-SET", fault.status), None
        return self._apply(event, "N-SET", apply), None

    def handle_action(self, event: Event) -> tuple[int, None]:
        """Answer an N-ACTION."""
        request = cast("N_ACTION", event.request)
        caller = cast("AcceptedAssociation", event.assoc).calling_ae_title
        now = self._clock()
        try:
            uid = work_item_uid_of(request.RequestedSOPInstanceUID)
            apply = read_data_set(
                request.ActionInformation,
                lambda: event.action_information,
                lambda information: self._actions.read(
                    request.ActionTypeID, uid, information, caller=caller, now=now
                ),
                fault=INVALID_ARGUMENT_VALUE,
            )
        except RequestFault as fault:
            return self._refused(event, "N-ACTION", fault.status), None
        return self._apply(event, "N-ACTION", apply), None

    def _record_search(self, event: Event, found: int) -> None:
        """Note who has searched (PS3.15 A.5.3.10); clients ask every few seconds, so now and then.

        Nothing is answered before it is written.
        """
        caller = cast("AcceptedAssociation", event.assoc)
        who, now = (caller.calling_ae_title, caller.address), self._clock()
        before = self._searched.get(who)
        if before is not None and timedelta() <= now - before < _RECORDED_AGAIN:
            return
        with transaction(self._engine) as session:
            record_audit(
                session,
                "work_items_searched",
                now,
                Actor(caller.calling_ae_title, "", caller.address),
                ae_title=caller.calling_ae_title,
                found=found,
            )
        self._searched[who] = now

    def _answers(
        self, ids: list[int], identifier: Dataset, event: Event
    ) -> Iterator[tuple[int, Dataset | None]]:
        with query(self._engine) as session:
            found = read_work_items(
                session,
                ids,
                with_inputs="InputInformationSequence" in identifier,
                retrieve_ae_title=self._retrieve_ae_title,
            )
        for item in found:
            if event.is_cancelled:
                return
            data_set = stored_data_set(item)
            try:
                if not matches(data_set, identifier, self._zone):
                    continue
                answer, all_known = answer_of(data_set, identifier)
            except LIBRARY_FAULTS as error:
                raise RequestFault(IDENTIFIER_MISMATCH) from error
            yield _MATCH if all_known else _MATCH_WITH_UNKNOWN_KEYS, answer

    def _read(self, uid: str) -> StoredWorkItem | None:
        with query(self._engine) as session:
            ids = find_work_items(session, WorkItemKeys(sop_instance_uid=uid), limit=1)
            found = read_work_items(
                session, ids, with_inputs=True, retrieve_ae_title=self._retrieve_ae_title
            )
        return found[0] if found else None

    def _apply(self, event: Event, operation: str, apply: Apply) -> int:
        try:
            with transaction(self._engine) as session:
                status = apply(session)
        except DatabaseUnavailable:
            return RESOURCE_LIMITATION
        if status != SUCCESS:
            return self._refused(event, operation, status)
        facts = cast("AcceptedAssociation", event.assoc).facts()
        _log.info("work_item_changed", operation=operation, **facts)
        return status

    def _refused(self, event: Event, operation: str, status: int) -> int:
        facts = cast("AcceptedAssociation", event.assoc).facts()
        _log.info("work_item_request", operation=operation, status=f"0x{status:04X}", **facts)
        return status


def _keys(identifier: Dataset, zone: Zone) -> WorkItemKeys:
    """The keys of an identifier; everything in it is decoded here, or never."""
    list(identifier.iterall())
    return keys_of(identifier, zone)


def _tags(listed: object) -> list[BaseTag]:
    """The library gives a list, a single tag, or nothing."""
    if listed is None:
        return []
    return [listed] if isinstance(listed, BaseTag) else list(cast("list[BaseTag]", listed))
