"""What the code accepts, proposes and makes, from the tables that it works by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydicom.uid import UID

from dicom_node.guard.guarded_upper_layer import MOST_WAITING_MESSAGES
from dicom_node.library_options import (
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    MAXIMUM_PDU_BYTES,
)
from dicom_node.presentation_contexts import (
    Handling,
    accepted_contexts,
    decodable_transfer_syntaxes,
    handling_of,
    reporting_contexts,
    worklist_contexts,
)
from dicom_node.proposed_contexts import MADE_OBJECTS, Purpose, proposed_contexts
from firstread.conformance.markdown_table import named, table, value

_CLASSES = ("SOP class", "UID")


def implementation() -> str:
    """How we call ourselves in associations (PS3.7 Section D.3.3.2)."""
    return table(
        ("what", "value"),
        [
            ("Implementation Class UID", IMPLEMENTATION_CLASS_UID),
            ("Implementation Version Name", value(IMPLEMENTATION_VERSION_NAME)),
            ("Application context", "1.2.840.10008.3.1.1.1"),
            ("Maximum PDU received", f"{MAXIMUM_PDU_BYTES} bytes"),
            (
                "Asynchronous operations",
                f"up to {MOST_WAITING_MESSAGES} requests without an answer, where the peer "
                "proposes a window; answered in the order in which they came. We propose none.",
            ),
        ],
    )


def kept() -> str:
    """SOP classes whose instances are kept, and Verification."""
    verification = [context for context in reporting_contexts() if not context.scp_role]
    return _classes([*verification, *_accepted(Handling.ANALYSED)])


def companions() -> str:
    """SOP classes that are answered with success and not kept."""
    return _classes(_accepted(Handling.COMPANION))


def foreign() -> str:
    """SOP classes that are answered with a warning and not kept."""
    return _classes(_accepted(Handling.FOREIGN))


def decodable() -> str:
    """Transfer syntaxes of what is kept, in the order in which one is chosen of several."""
    rows = [(named(one), str(one)) for one in decodable_transfer_syntaxes()]
    return table(("transfer syntax", "UID"), rows)


def reporting() -> str:
    """What a peer that only reports on storage commitment is offered."""
    return _with_syntaxes(reporting_contexts())


def worklist() -> str:
    """What a client of the worklist is offered."""
    return _with_syntaxes(worklist_contexts())


def proposed() -> str:
    """What we propose, association by association; Storage proposes what the objects are."""
    rows = [
        (purpose.value, f"{named(_sop_class(one))}, {_sop_class(one)}", _syntaxes(one))
        for purpose in Purpose
        for one in proposed_contexts(purpose)
    ]
    return table(("for", "SOP class", "transfer syntaxes"), rows)


def made() -> str:
    """What we store at destinations."""
    rows = [
        (
            named(one.sop_class_uid),
            str(one.sop_class_uid),
            " or ".join(named(syntax) for syntax in one.transfer_syntaxes),
        )
        for one in MADE_OBJECTS
    ]
    return table((*_CLASSES, "transfer syntax"), rows)


def _accepted(handling: Handling) -> list[Any]:
    reported = {str(one.abstract_syntax) for one in reporting_contexts()}
    return [
        one
        for one in accepted_contexts()
        if str(one.abstract_syntax) not in reported
        and handling_of(str(one.abstract_syntax)) is handling
    ]


def _classes(contexts: Iterable[Any]) -> str:
    rows = [(named(_sop_class(one)), str(_sop_class(one))) for one in contexts]
    return table(_CLASSES, rows)


def _with_syntaxes(contexts: Iterable[Any]) -> str:
    rows = [(named(_sop_class(one)), str(_sop_class(one)), _syntaxes(one)) for one in contexts]
    return table((*_CLASSES, "transfer syntaxes"), rows)


def _sop_class(context: Any) -> UID:
    return UID(str(context.abstract_syntax))


def _syntaxes(context: Any) -> str:
    return ", ".join(named(UID(str(one))) for one in context.transfer_syntax)
