"""Stores instances: check, spool the bytes, record the instance, give a status. In that order.

PS3.4 Annex B (Storage Service Class), PS3.18 Section 10.5 (Store Transaction). Both doors of the
node lead here. Bytes and row are durable before Success; what is not stored is answered with a
status and kept in quarantine.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from database.metrics.counted import count
from database.metrics.declared import INSTANCES_RECEIVED, RECEIVED_BYTES
from database.results.stored import is_our_object
from database.session import Engine, query
from database.studies.instances import Arrival, Recorded, find_instance
from dicom_node.callers import source_name
from dicom_node.guard.accepted_association import AgreedContext
from dicom_node.guard.incoming_data_set import IncomingDataSet
from dicom_node.presentation_contexts import (
    Handling,
    decodable_transfer_syntaxes,
    handling_of,
)
from dicom_node.receive.encoded_data_set import EncodedDataSet
from dicom_node.receive.file_meta import encode_file_meta
from dicom_node.receive.instance_identity import InstanceIdentity, read_identity
from dicom_node.receive.quarantine import Quarantine
from dicom_node.receive.record_arrivals import ArrivalRecorder
from dicom_node.receive.same_object import Relation, relation_of
from dicom_node.receive.sender import Sender
from dicom_node.receive.wanted_back import WantedBack
from dicom_node.spool import Spool, SpoolFile, instance_path
from dicom_node.status import (
    SUCCESS,
    CommandMismatch,
    TransferSyntaxNotStorable,
    error_comment,
)
from radiology.errors import InstanceConflict, NotStorable
from settings.environment import Settings
from settings.log.log_events import get_logger
from settings.peers import RequestPriority
from storage.kept_files import kept_files

_log = get_logger("node")


@dataclass(frozen=True, slots=True)
class Announced:
    """What a sender says of an instance before its data set.

    Attributes
    ----------
    context : SOP class and transfer syntax
    asked_for : by us, to compare a later study with it, or as a phantom of the doctor
    study_instance_uid : the only study that it may be of; None: any
    """

    context: AgreedContext
    sop_class_uid: str
    sop_instance_uid: str
    asked_for: bool = False
    study_instance_uid: str | None = None


@dataclass(frozen=True, slots=True)
class GivenStatus:
    """What the sender is told. `study_instance_uid` is of an instance that was read, else ""."""

    status: int
    comment: str = ""
    study_instance_uid: str = ""


@dataclass(frozen=True, slots=True)
class _Checked:
    """What can be recorded."""

    arrival: Arrival
    file: SpoolFile


T = TypeVar("T")


class InstanceStore:
    """Stores the instances that come through any door.

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
        self._files = files = kept_files(settings)
        self._recorder = ArrivalRecorder(engine, spool, files, clock)
        self._quarantine = Quarantine(settings.quarantine_folder, files, engine, clock)
        self._wanted_back = WantedBack(settings.doctor_folder)

    def open_file(
        self, sender: Sender, context: AgreedContext, sop_instance_uid: str
    ) -> SpoolFile | None:
        """Open the file for a data set that begins to arrive; None when it is not kept."""
        handling = handling_of(context.sop_class_uid)
        back = handling is Handling.COMPANION and self._wanted_back.is_anything
        if handling is not Handling.ANALYSED and not back:
            return None
        return self._spool.begin(
            encode_file_meta(
                sop_class_uid=context.sop_class_uid,
                sop_instance_uid=sop_instance_uid,
                transfer_syntax_uid=context.transfer_syntax_uid,
                calling_ae_title=sender.calling_ae_title,
                called_ae_title=self._settings.ae_title,
            )
        )

    def open_raw_file(self) -> SpoolFile:
        """Open a file for bytes that are no instance: they go to quarantine as they came."""
        return self._spool.begin(b"")

    def store(self, sender: Sender, announced: Announced, incoming: IncomingDataSet) -> GivenStatus:
        """Store an instance that has come whole; nothing is raised."""
        return self.store_all(sender, [(announced, incoming)])[0]

    def store_all(
        self, sender: Sender, arrived: Sequence[tuple[Announced, IncomingDataSet]]
    ) -> list[GivenStatus]:
        """Store instances that have come whole, with one flush for all; nothing is raised."""
        checked = [_tried(partial(self._check, sender, *one)) for one in arrived]
        recorded = iter(self._record([one for one in checked if isinstance(one, _Checked)]))
        statuses = []
        for (_, incoming), one in zip(arrived, checked, strict=True):
            answer: str | Exception
            if isinstance(one, _Checked):
                answer = _tried(partial(self._told, sender, one, next(recorded)))
            else:
                answer = "" if one is None else one
            if isinstance(answer, Exception):
                statuses.append(self.refuse(sender, incoming, answer))
            else:
                statuses.append(GivenStatus(SUCCESS, "", answer))
        return statuses

    def _check(
        self, sender: Sender, announced: Announced, incoming: IncomingDataSet
    ) -> _Checked | None:
        """Read what an instance is; None of what is not kept."""
        sop_class_uid = announced.context.sop_class_uid
        if announced.sop_class_uid != sop_class_uid:
            raise CommandMismatch("The SOP class is not that of the presentation context")
        handling = handling_of(sop_class_uid)
        if handling is Handling.COMPANION:
            file = incoming.kept_file()
            if file is not None:
                self._wanted_back.keep(file, announced.context.transfer_syntax_uid)
            self._note_companion(sender, sop_class_uid, announced.sop_instance_uid)
            count(INSTANCES_RECEIVED, source=source_name(sender.peer), outcome="not_kept")
            return None
        if handling is Handling.FOREIGN:
            raise NotStorable(sop_class_uid=sop_class_uid)
        file, context = incoming.file(), announced.context
        if context.transfer_syntax_uid not in decodable_transfer_syntaxes():
            raise TransferSyntaxNotStorable(transfer_syntax_uid=context.transfer_syntax_uid)
        limit = self._settings.max_instance_bytes
        encoded = EncodedDataSet(file, context.transfer_syntax_uid, max_bytes=limit)
        identity = read_identity(encoded)
        _check_announcement(identity, announced)
        return _Checked(_arrival(sender, identity, announced, file), file)

    def _record(self, checked: Sequence[_Checked]) -> list[Recorded | Exception]:
        """Record all of them together; after a defect, which one of them brought about, each."""
        together = _tried(
            partial(self._recorder.record_all, [(one.arrival, one.file) for one in checked])
        )
        if not isinstance(together, Exception):
            return together
        if len(checked) == 1:
            return [together]
        return [_tried(partial(self._recorder.record, one.arrival, one.file)) for one in checked]

    def _told(self, sender: Sender, one: _Checked, recorded: Recorded | Exception) -> str:
        """Take note of an instance that was recorded; gives its Study Instance UID.

        Raises
        ------
        Exception
            What recording raised, but for a copy that takes the place of another.
        """
        arrival, file = one.arrival, one.file
        if isinstance(recorded, InstanceConflict):
            recorded = self._record_copy(arrival, file)
        if isinstance(recorded, Exception):
            raise recorded
        outcome, source = recorded.name.lower(), source_name(sender.peer)
        count(INSTANCES_RECEIVED, source=source, outcome=outcome)
        count(RECEIVED_BYTES, by=file.size, source=source)
        study_instance_uid = arrival.study_instance_uid
        sender.studies[study_instance_uid] += 1
        # Once from a sender, so that the log leads from the study to who sent it.
        if sender.first("study_arrives", study_instance_uid):
            _log.info("study_arrives", **sender.facts(), study_instance_uid=study_instance_uid)
        if _log.is_enabled_for(logging.DEBUG):  # else nobody reads the facts
            _log.debug(
                "instance_stored",
                **sender.facts(),
                study_instance_uid=study_instance_uid,
                sop_instance_uid=arrival.sop_instance_uid,
                recorded=outcome,
            )
        return study_instance_uid

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
        relation = Relation.OTHER
        if path is not None:
            relation = relation_of(self._files.fetch(path), file.path)
        if relation is Relation.SAME:
            self._recorder.wait_for_flush()
            return Recorded.DUPLICATE
        # What we have fetched to compare with is a copy of the archive's, and corrects nothing
        if relation is Relation.OTHER or arrival.asked_for:
            raise InstanceConflict(sop_instance_uid=arrival.sop_instance_uid)
        copy = Path(arrival.path).with_suffix(f".{arrival.sha256[:16]}.dcm")
        self._recorder.correct(replace(arrival, path=str(copy)), file)
        return Recorded.CORRECTED

    def _note_companion(self, sender: Sender, sop_class_uid: str, sop_instance_uid: str) -> None:
        with query(self._engine) as session:
            ours = is_our_object(session, sop_instance_uid)
        event = "own_object_returned" if ours else "companion_not_kept"
        if sender.first(event, sop_class_uid):
            _log.info(event, **sender.facts(), sop_class_uid=sop_class_uid)

    def refuse(self, sender: Sender, incoming: IncomingDataSet, error: Exception) -> GivenStatus:
        """Say why an instance is not stored, and keep in quarantine what is worth it."""
        return GivenStatus(self._quarantine.take(sender, incoming, error), error_comment(error))


def _tried(step: Callable[[], T]) -> T | Exception:
    try:
        return step()
    except Exception as error:  # noqa: BLE001 one of three places: the sender must get a status
        return error


def _check_announcement(identity: InstanceIdentity, announced: Announced) -> None:
    """The data set must be what the command says that it is (PS3.4 Section B.2.1)."""
    if identity.sop_class_uid != announced.context.sop_class_uid:
        raise CommandMismatch("The data set has another SOP class than the command")
    if identity.sop_instance_uid != announced.sop_instance_uid.strip("\0 "):
        raise CommandMismatch("The data set has another SOP Instance UID than the command")
    if announced.study_instance_uid not in (None, identity.study_instance_uid):
        raise CommandMismatch("The data set is of another study than the request")


def _arrival(
    sender: Sender, identity: InstanceIdentity, announced: Announced, file: SpoolFile
) -> Arrival:
    peers_rule = sender.peer.priority if sender.peer else RequestPriority.ROUTINE
    stated = identity.priority or peers_rule
    path = instance_path(
        identity.study_instance_uid, identity.series_instance_uid, identity.sop_instance_uid
    )
    return Arrival(
        study_instance_uid=identity.study_instance_uid,
        series_instance_uid=identity.series_instance_uid,
        sop_instance_uid=identity.sop_instance_uid,
        sop_class_uid=identity.sop_class_uid,
        transfer_syntax_uid=announced.context.transfer_syntax_uid,
        path=path,
        sha256=file.sha256,
        size_bytes=file.size,
        calling_ae_title=sender.calling_ae_title,
        association_id=sender.association_id,
        # What it was asked for with once says nothing of now: nobody's first answer waits for it.
        priority=RequestPriority.LOW if announced.asked_for else stated,
        patient_id=identity.patient_id,
        issuer_of_patient_id=identity.issuer_of_patient_id,
        accession_number=identity.accession_number,
        patient_sex=identity.patient_sex,
        patient_age=identity.patient_age,
        asked_for=announced.asked_for,
        place=identity.place,
    )
