"""Checks the chain of audit events and prints what is wrong with it."""

from __future__ import annotations

import itertools
import re
from dataclasses import asdict
from typing import Final

from database.audit.verify import Kept, verify_chain
from database.session import query
from firstread.data_folder import open_database
from firstread.say import print_json
from radiology.errors import SettingsRefused
from settings.environment import Settings

_MOST_SHOWN: Final = 100
_HEAD: Final = re.compile(r"([1-9]\d{0,18}):([0-9a-f]{64})")


def verify_and_print(settings: Settings, *, head: str | None, as_json: bool) -> int:
    """Read the whole chain; returns 1 where something is wrong with it.

    Parameters
    ----------
    head : number and hash of an event, as an earlier call has printed them

    Raises
    ------
    SettingsRefused
        The head is none.
    """
    kept = None if head is None else _kept(head)
    engine = open_database(settings)
    try:
        with query(engine) as session:
            verified, findings = verify_chain(session, kept)
            found = list(itertools.islice(findings, _MOST_SHOWN + 1))
    finally:
        engine.dispose()
    shown, more = found[:_MOST_SHOWN], len(found) > _MOST_SHOWN
    ends = verified.ends
    if as_json:
        print_json(
            {
                "whole": not found,
                "events": verified.events,
                "head": f"{ends.last_id}:{ends.last_sha256}",
                "findings": [asdict(one) for one in shown],
                "more": more,
            }
        )
        return 1 if found else 0
    for one in shown:
        print(f"{one.fault.value}: {one.says}")
    if more:
        print("And more: the chain was not read further.")
    if found:
        print("The audit trail is not as it was written: see docs/audit.md, and save the database.")
        return 1
    print(f"{verified.events} audit events, from number {ends.first_id} on: the chain is whole.")
    print(f"Head: {ends.last_id}:{ends.last_sha256}")
    return 0


def _kept(head: str) -> Kept:
    found = _HEAD.fullmatch(head.strip().lower())
    if found is None:
        raise SettingsRefused(
            "A head is the number of an event, a colon and 64 hexadecimal digits, as "
            "'firstread audit verify' prints it"
        )
    return Kept(int(found[1]), found[2])
