"""HL7 messages and audit events, from the tables that the code works by."""

from __future__ import annotations

from database.accounts.audit import AUDIT_EVENTS
from firstread.conformance.markdown_table import table, value
from hl7_node.build_message import VERSION
from hl7_node.character_set import SETS
from hl7_node.observation_message import CHARACTER_SET
from hl7_node.receive_message import ORDERS, RESULTS, VERSIONS, VISITS


def hl7_messages() -> str:
    """Which messages are taken, and which are sent."""
    rows = [
        *((_caret(kind), "taken", "orders: priority and procedure") for kind in ORDERS),
        *((_caret(kind), "taken", "where the patient is") for kind in VISITS),
        *((_caret(kind), "taken", "values, and that a study was reported") for kind in RESULTS),
        ("`ORU^R01`", "sent", f"what was found, in HL7 v{VERSION}, {CHARACTER_SET}"),
    ]
    return table(("message", "", "what of it"), rows)


def hl7_versions() -> str:
    """Versions in MSH-12 that are taken."""
    return ", ".join(VERSIONS)


def hl7_character_sets() -> str:
    """Names in MSH-18 that are taken, beside those of ISO/IEC 2022 for Japanese."""
    return ", ".join(value(name) for name in sorted(SETS) if name)


def audit_events() -> str:
    """The audit events, each with its codes."""
    rows = [
        (
            value(name),
            f'({code.event_id[0]}, {code.scheme}, "{code.event_id[1]}")',
            f'({code.event_type[0]}, DCM, "{code.event_type[1]}")' if code.event_type else "",
            code.action,
        )
        for name, code in AUDIT_EVENTS.items()
    ]
    return table(("event", "Event ID", "Event Type Code", "action"), rows)


def _caret(kind: str) -> str:
    return f"`{kind}`"
