"""An audit event as an audit message of PS3.15 Section A.5: the XML of its schema (A.5.1). Pure.

The message is made of the row and of nothing else, so it is the same each time that it is made.
Elements and attributes follow the tables of A.5.3 for each kind of event. Where the standard has
room for a name of a patient (ParticipantObjectName), there is the identifier: a message goes to
people who need not know who that is. What somebody searched for (ParticipantObjectQuery) is not
recorded at all, for it may be a name.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final
from xml.etree import ElementTree as ET

from database.accounts.audit import AUDIT_EVENTS, AuditRow
from database.audit.chain import FORGOTTEN
from radiology.codes import PRIVATE_SCHEME

SUCCESS: Final = "0"  # PS3.15 A.5.1.1, EventOutcomeIndicator
MINOR_FAILURE: Final = "4"
_DCM: Final = "DCM"
_RFC_3881: Final = "RFC-3881"

_Coded = tuple[str, str, str]  # csd-code, codeSystemName, originalText
_APPLICATION: Final[_Coded] = ("110150", _DCM, "Application")  # CID 402
_DESTINATION: Final[_Coded] = ("110152", _DCM, "Destination Role ID")
_SOURCE: Final[_Coded] = ("110153", _DCM, "Source Role ID")
_DESTINATION_MEDIA: Final[_Coded] = ("110154", _DCM, "Destination Media")
_STUDY_UID: Final[_Coded] = ("110180", _DCM, "Study Instance UID")  # CID 404
_NODE_ID: Final[_Coded] = ("110182", _DCM, "Node ID")
_PATIENT_NUMBER: Final[_Coded] = ("2", _RFC_3881, "Patient Number")  # PS3.15 A.5.1.2.4
_SEARCH_CRITERIA: Final[_Coded] = ("10", _RFC_3881, "Search Criteria")
_URI: Final[_Coded] = ("12", _RFC_3881, "URI")
_CHAIN: Final[_Coded] = ("AUDIT_EVENT", PRIVATE_SCHEME, "Number in the audit trail of Firstread")

# Who gives and who takes, by event: the actor's role and ours.
_ROLES: Final[Mapping[str, tuple[_Coded, _Coded]]] = {
    "study_received": (_SOURCE, _DESTINATION),
    "study_stored": (_SOURCE, _DESTINATION),
    "study_retrieved": (_DESTINATION, _SOURCE),
    "transfer_begun": (_DESTINATION, _SOURCE),
    "results_sent": (_DESTINATION, _SOURCE),
    "archive_queried": (_DESTINATION, _SOURCE),  # A.5.3.10: the source is who asks
    "work_items_searched": (_SOURCE, _DESTINATION),
    "studies_searched": (_SOURCE, _DESTINATION),
    "worklist_searched": (_SOURCE, _DESTINATION),
    "worklist_opened": (_SOURCE, _DESTINATION),
}
_WE_ASK: Final = frozenset({"transfer_begun", "results_sent", "archive_queried"})
_QUERY: Final = "110112"
_ALERT: Final = "110113"
_LOG_USED: Final = "110101"
_EXPORT: Final = "110106"
_NOT_SAID: Final = {FORGOTTEN: frozenset({"events"})}  # as long as the record was looked at
_LONGEST_FACT: Final = 1024  # RFC 5425 Section 4.3.1: receivers take messages of 8192 octets
# XML 1.0 Section 2.2: what a document may hold
_NO_CHARACTER: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Source:
    """Who reports, in every message.

    Attributes
    ----------
    source : AuditSourceID
    site : AuditEnterpriseSiteID; "" leaves it out
    ae_title : ours
    """

    source: str
    site: str
    ae_title: str


def audit_message(row: AuditRow, source: Source) -> bytes:
    """An event as XML, in UTF-8 and without a declaration."""
    message = ET.Element("AuditMessage")
    _event(message, row)
    _participants(message, row, source)
    reported_by = {"AuditSourceID": source.source}
    if source.site:
        reported_by["AuditEnterpriseSiteID"] = source.site
    reporter = _element(message, "AuditSourceIdentification", reported_by)
    _element(reporter, "AuditSourceTypeCode", {"csd-code": "4"})  # A.5.1.2.1: application server
    _objects(message, row)
    return ET.tostring(message, encoding="unicode").encode()


def _event(message: ET.Element, row: AuditRow) -> None:
    code = AUDIT_EVENTS[row.name]
    moment = row.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    event = _element(
        message,
        "EventIdentification",
        {
            "EventActionCode": code.action,
            "EventDateTime": moment,
            "EventOutcomeIndicator": SUCCESS if row.succeeded else MINOR_FAILURE,
        },
    )
    value, meaning = code.event_id
    _coded(event, "EventID", (value, code.scheme, meaning))
    if code.event_type is not None:
        value, meaning = code.event_type
        _coded(event, "EventTypeCode", (value, _DCM, meaning))
    if not row.succeeded:
        _element(event, "EventOutcomeDescription").text = _xml(row.facts.get("reason", row.name))


def _participants(message: ET.Element, row: AuditRow, source: Source) -> None:
    """Who did it, and we ourselves: an event needs both sides (A.5.3)."""
    theirs, ours = _ROLES.get(row.name, (None, _APPLICATION))
    we_ask = row.name in _WE_ASK or row.actor.is_ourselves
    if not row.actor.is_ourselves:
        roles = [theirs] if theirs else []
        roles += [(role, PRIVATE_SCHEME, role) for role in row.actor.role.split(",") if role]
        given = {"UserID": row.actor.reader, "UserIsRequestor": _boolean(not we_ask)}
        title = row.facts.get("ae_title")
        if title:
            given["AlternativeUserID"] = f"AETITLES={title}"
        _participant(message, given | _access_point(row.actor.address), roles)
    process = {"UserID": str(row.facts.get("process", source.source))}
    process |= {"AlternativeUserID": f"AETITLES={source.ae_title}"}
    _participant(message, process | {"UserIsRequestor": _boolean(we_ask)}, [ours])
    if AUDIT_EVENTS[row.name].event_id[0] == _EXPORT:
        taken = {"UserID": "download", "UserIsRequestor": "false"}
        _participant(message, taken, [_DESTINATION_MEDIA])


def _participant(message: ET.Element, given: dict[str, str], roles: list[_Coded]) -> None:
    participant = _element(message, "ActiveParticipant", given)
    for role in roles:
        _coded(participant, "RoleIDCode", role)


def _access_point(address: str) -> dict[str, str]:
    """A.5.2.4: 1 is the name of a machine, 2 an address."""
    if not address:
        return {}
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return {"NetworkAccessPointID": address, "NetworkAccessPointTypeCode": "1"}
    return {"NetworkAccessPointID": address, "NetworkAccessPointTypeCode": "2"}


def _objects(message: ET.Element, row: AuditRow) -> None:
    """The study and the patient, what else it is about, and last the event's place in our trail."""
    event_id = AUDIT_EVENTS[row.name].event_id[0]
    if row.study is not None and row.study.study_instance_uid:
        study = _object(message, row.study.study_instance_uid, _STUDY_UID, kind="2", role="3")
        _element(study, "ParticipantObjectName").text = _xml(row.study.study_instance_uid)
        instances = row.facts.get("instances")
        if isinstance(instances, int):
            described = _element(study, "ParticipantObjectDescription")
            _element(described, "SOPClass", {"NumberOfInstances": str(instances)})
    if row.study is not None and row.study.patient_id:
        patient = _object(message, row.study.patient_id, _PATIENT_NUMBER, kind="1", role="1")
        _element(patient, "ParticipantObjectName").text = _xml(row.study.patient_id)
    about = str(row.facts.get("route") or row.facts.get("address") or row.name)
    if event_id == _QUERY:
        asked = _object(message, about, _SEARCH_CRITERIA, kind="2", role="24")
        _element(asked, "ParticipantObjectQuery").text = _base64("not recorded")
    elif event_id == _ALERT:
        coded = _URI if "route" in row.facts else _NODE_ID
        subject = _object(message, about, coded, kind="2", role="13")
        _element(subject, "ParticipantObjectName").text = _xml(about)
        alert = f"{row.name} {row.facts.get('reason', '')}".strip()
        _detail(subject, "Alert Description", alert)
    elif event_id == _LOG_USED:
        log = _object(message, "urn:firstread:audit", _URI, kind="2", role="13")
        _element(log, "ParticipantObjectName").text = "Security Audit Log"  # A.5.3.2
    _place_in_trail(message, row)


def _place_in_trail(message: ET.Element, row: AuditRow) -> None:
    place = _object(message, str(row.event_id), _CHAIN, kind="2", role="13")
    _element(place, "ParticipantObjectName").text = _xml(row.name)
    _detail(place, "sha256", row.sha256)
    left_out = _NOT_SAID.get(row.name, frozenset())
    for name, value in sorted(row.facts.items()):
        if name not in left_out:
            _detail(place, name, value if isinstance(value, str) else json.dumps(value))


def _object(message: ET.Element, name: str, coded: _Coded, *, kind: str, role: str) -> ET.Element:
    found = _element(
        message,
        "ParticipantObjectIdentification",
        {
            "ParticipantObjectID": name,
            "ParticipantObjectTypeCode": kind,
            "ParticipantObjectTypeCodeRole": role,
        },
    )
    _coded(found, "ParticipantObjectIDTypeCode", coded)
    return found


def _detail(parent: ET.Element, name: str, value: str) -> None:
    given = {"type": name, "value": _base64(value[:_LONGEST_FACT])}
    _element(parent, "ParticipantObjectDetail", given)


def _coded(parent: ET.Element, name: str, code: _Coded) -> None:
    value, scheme, meaning = code
    given = {"csd-code": value, "codeSystemName": scheme, "originalText": meaning}
    _element(parent, name, given)


def _element(
    parent: ET.Element, name: str, attributes: Mapping[str, str] | None = None
) -> ET.Element:
    given = {key: _xml(value) for key, value in (attributes or {}).items()}
    return ET.SubElement(parent, name, given)


def _xml(value: Any) -> str:
    """Text as XML may hold it: a name that somebody typed may have any character."""
    return _NO_CHARACTER.sub("\ufffd", str(value))


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "replace")).decode()


def _boolean(value: bool) -> str:
    return "true" if value else "false"
