"""EVT_C_STORE: check, spool the bytes, record the instance, answer a status. In that order.

PS3.4 Annex B (Storage Service Class), PS3.7 Section 9.1.1 (C-STORE). The bytes are durable before
the row, the row before Success; what is not stored is answered with a status and kept in
quarantine, and the association goes on.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import cast

from pydicom.dataset import Dataset
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.events import Event

from database.results.stored import is_our_object
from database.session import Engine, query
from database.studies.instances import Arrival, Recorded, find_instance
from dicom_node.guard.accepted_association import AcceptedAssociation, AgreedContext
from dicom_node.guard.incoming_data_set import IncomingDataSet
from dicom_node.presentation_contexts import Handling, handling_of
from dicom_node.receive.encoded_data_set import EncodedDataSet
from dicom_node.receive.file_meta import encode_file_meta
from dicom_node.receive.instance_identity import InstanceIdentity, read_identity
from dicom_node.receive.quarantine import Quarantine
from dicom_node.receive.record_arrivals import ArrivalRecorder
from dicom_node.receive.same_object import Relation, relation_of
from dicom_node.spool import Spool, SpoolFile, instance_path
from dicom_node.status import SUCCESS, CommandMismatch, error_comment, status_of
from radiology.errors import Fact, FirstreadError, InstanceConflict, NotStorable, Unavailable
from settings.environment import Settings
from settings.log_events import get_logger
from settings.peers import RequestPriority

_log = get_logger("node")


class Receiver:
    """Stores the instances that peers send.

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
        self._settings = settings
        self._engine = engine
        self._spool = spool
        self._recorder = ArrivalRecorder(engine, spool, clock)
        self._quarantine = Quarantine(settings.quarantine_folder, engine, clock)

    def open_file(
        self, association: AcceptedAssociation, context_id: int, sop_instance_uid: str
    ) -> SpoolFile | None:
        """Open the file for a data set that begins to arrive; None when it is not kept."""
        context = association.context(context_id)
        if handling_of(context.sop_class_uid) is not Handling.ANALYSED:
            return None
        return self._spool.begin(
            encode_file_meta(
                sop_class_uid=context.sop_class_uid,
                sop_instance_uid=sop_instance_uid,
                transfer_syntax_uid=context.transfer_syntax_uid,
                calling_ae_title=association.calling_ae_title,
                called_ae_title=self._settings.ae_title,
            )
        )

    def handle_store(self, event: Event) -> Dataset:
        """Answer a C-STORE request."""
        association = cast("AcceptedAssociation", event.assoc)
        request = cast("C_STORE", event.request)
        incoming = cast("IncomingDataSet", request.DataSet)
        try:
            self._receive(association, request, incoming)
            return _answer(SUCCESS)
        except Exception as error:  # noqa: BLE001 one of three places: the peer must get a status
            return self._refuse(association, incoming, error)
        finally:
            association.forget(incoming)

    def _receive(
        self, association: AcceptedAssociation, request: C_STORE, incoming: IncomingDataSet
    ) -> None:
        context = association.context(cast("int", request._context_id))
        announced = str(request.AffectedSOPInstanceUID)
        if incoming.announced_sop_class_uid != context.sop_class_uid:
            raise CommandMismatch("The SOP class is not that of the presentation context")
        handling = handling_of(context.sop_class_uid)
        if handling is Handling.COMPANION:
            self._note_companion(association, context.sop_class_uid, announced)
        elif handling is Handling.FOREIGN:
            raise NotStorable(sop_class_uid=context.sop_class_uid)
        else:
            self._store(association, context, request, incoming)

    def _store(
        self,
        association: AcceptedAssociation,
        context: AgreedContext,
        request: C_STORE,
        incoming: IncomingDataSet,
    ) -> None:
        file = incoming.file()
        limit = self._settings.max_instance_bytes
        encoded = EncodedDataSet(file, context.transfer_syntax_uid, max_bytes=limit)
        identity = read_identity(encoded)
        _check_announcement(identity, context, str(request.AffectedSOPInstanceUID))
        file.make_durable()
        asked_for = _names_us(request, self._settings.ae_title)
        arrival = _arrival(association, identity, context, file, asked_for=asked_for)
        try:
            recorded = self._recorder.record(arrival, file)
        except InstanceConflict:
            recorded = self._record_copy(arrival, file)
        _log.debug(
            "instance_stored",
            **association.facts(),
            sop_instance_uid=identity.sop_instance_uid,
            recorded=recorded.name.lower(),
        )

    def _record_copy(self, arrival: Arrival, file: SpoolFile) -> Recorded:
        """What another object under a stored SOP Instance UID leads to.

        Raises
        ------
        InstanceConflict
            It is another image.
        """
        with query(self._engine) as session:
            stored = find_instance(session, arrival.sop_instance_uid)
            path = None if stored is None else self._spool.folder / stored.path
        relation = Relation.OTHER if path is None else relation_of(path, file.path)
        if relation is Relation.SAME:
            return Recorded.DUPLICATE
        # What we have fetched to compare with is a copy of the archive's, and corrects nothing
        if relation is Relation.OTHER or arrival.asked_for:
            raise InstanceConflict(sop_instance_uid=arrival.sop_instance_uid)
        copy = Path(arrival.path).with_suffix(f".{arrival.sha256[:16]}.dcm")
        self._recorder.correct(replace(arrival, path=str(copy)), file)
        return Recorded.CORRECTED

    def _note_companion(
        self, association: AcceptedAssociation, sop_class_uid: str, sop_instance_uid: str
    ) -> None:
        with query(self._engine) as session:
            ours = is_our_object(session, sop_instance_uid)
        event = "own_object_returned" if ours else "companion_not_kept"
        if association.first(event, sop_class_uid):
            _log.info(event, **association.facts(), sop_class_uid=sop_class_uid)

    def _refuse(
        self, association: AcceptedAssociation, incoming: IncomingDataSet, error: Exception
    ) -> Dataset:
        status = status_of(error)
        facts: dict[str, Fact] = {
            "error_kind": type(error).__name__,
            "status": f"0x{status:04X}",
        }
        if isinstance(error, FirstreadError):
            facts.update(error.facts)
            _log.warning("instance_not_stored", **association.facts(), **facts)
        else:
            # The message is left out: a library may have put values of the data set into it.
            facts["trace"] = "".join(traceback.format_tb(error.__traceback__))
            _log.error("instance_not_stored", **association.facts(), **facts)
        if self._is_worth_keeping(association, error):
            file, size_bytes = incoming.kept_file(), incoming.received_bytes
            self._quarantine.keep(association, error, status, file, size_bytes)
        return _answer(status, error_comment(error))

    def _is_worth_keeping(self, association: AcceptedAssociation, error: Exception) -> bool:
        """What the sender will send again is not kept; a foreign SOP class is noted once."""
        if isinstance(error, Unavailable):
            return False
        return not isinstance(error, NotStorable) or association.first("foreign", str(error))


def _check_announcement(identity: InstanceIdentity, context: AgreedContext, announced: str) -> None:
    """The data set must be what the command says that it is (PS3.4 Section B.2.1)."""
    if identity.sop_class_uid != context.sop_class_uid:
        raise CommandMismatch("The data set has another SOP class than the command")
    if identity.sop_instance_uid != announced.strip("\0 "):
        raise CommandMismatch("The data set has another SOP Instance UID than the command")


def _names_us(request: C_STORE, ae_title: str) -> bool:
    """Whether this is the answer to a C-MOVE request of ours (PS3.7 Section 9.1.1)."""
    originator = request.MoveOriginatorApplicationEntityTitle
    return originator is not None and originator.strip("\0 ") == ae_title


def _arrival(
    association: AcceptedAssociation,
    identity: InstanceIdentity,
    context: AgreedContext,
    file: SpoolFile,
    *,
    asked_for: bool,
) -> Arrival:
    peers_rule = association.peer.priority if association.peer else RequestPriority.ROUTINE
    stated = identity.priority or peers_rule
    path = instance_path(
        identity.study_instance_uid, identity.series_instance_uid, identity.sop_instance_uid
    )
    return Arrival(
        study_instance_uid=identity.study_instance_uid,
        series_instance_uid=identity.series_instance_uid,
        sop_instance_uid=identity.sop_instance_uid,
        sop_class_uid=identity.sop_class_uid,
        transfer_syntax_uid=context.transfer_syntax_uid,
        path=path,
        sha256=file.sha256,
        size_bytes=file.size,
        calling_ae_title=association.calling_ae_title,
        association_id=association.association_id,
        # What it was asked for with once says nothing of now: nobody's first answer waits for it.
        priority=RequestPriority.LOW if asked_for else stated,
        patient_id=identity.patient_id,
        issuer_of_patient_id=identity.issuer_of_patient_id,
        accession_number=identity.accession_number,
        patient_sex=identity.patient_sex,
        patient_age=identity.patient_age,
        asked_for=asked_for,
    )


def _answer(status: int, comment: str = "") -> Dataset:
    """A C-STORE response's status, with an Error Comment (PS3.7 Annex C) where it failed."""
    answer = Dataset()
    answer.Status = status
    if comment:
        answer.ErrorComment = comment
    return answer
