"""The object storage: whether it takes, gives back and removes, and how far its clock is."""

from __future__ import annotations

import time
from collections.abc import Iterator

from firstread.checks.object_storage import probe_storage
from firstread.doctor.examined_site import ExaminedSite
from firstread.doctor.line import DoctorLine, broken, fine, reason_of, say, warning
from radiology.errors import FirstreadError

_NAME = "object-storage"


def look_at_object_storage(site: ExaminedSite) -> Iterator[DoctorLine]:
    """What the settings name; that all files are in the data folder is fine."""
    storage = site.settings.object_storage
    if storage is None:
        yield fine(_NAME, say("All files are kept in the data folder"))
        return
    began = time.perf_counter()
    try:
        seen = probe_storage(storage)
    except FirstreadError as error:
        yield broken(
            _NAME,
            say("The object storage cannot be used: %(reason)s", reason=reason_of(error)),
            say(
                "Start it, or correct endpoint, bucket and keys of object_storage; the key needs "
                "the rights to put, get, list and delete. Nothing is lost: senders try again."
            ),
        )
        return
    took_ms = round(1000 * (time.perf_counter() - began))
    yield fine(
        _NAME,
        say("The object storage takes, gives back and removes within %(took)s ms", took=took_ms),
    )
    if seen.is_apart:
        yield broken(
            "object-storage.clock",
            say("The clock of the object storage is %(s)s s from ours", s=round(abs(seen.apart_s))),
            say("Set both clocks: requests that are signed by a wrong one are refused."),
        )
    if seen.keeps_versions:
        yield warning(
            "object-storage.versions",
            say("The bucket keeps versions of what is removed"),
            say(
                "Nothing needs to be done if the key may list and delete versions: an object is "
                "then removed with all of its versions. Otherwise switch versioning off."
            ),
        )
