"""Every check of the doctor, in the order in which they are run and shown."""

from __future__ import annotations

from collections.abc import Iterator

from firstread.doctor.checks.broker import look_at_broker
from firstread.doctor.checks.certificates import look_at_certificates
from firstread.doctor.checks.clocks import look_at_clocks
from firstread.doctor.checks.database import SCHEMA, look_at_database
from firstread.doctor.checks.flags import looks_at_flags
from firstread.doctor.checks.machine import (
    WRITABLE,
    look_at_disk,
    look_at_fonts,
    look_at_ports,
    look_at_room,
)
from firstread.doctor.checks.models import looks_at_bundles
from firstread.doctor.checks.object_storage import look_at_object_storage
from firstread.doctor.checks.parts import RUNNING, look_at_parts, look_at_waiting
from firstread.doctor.checks.peers import looks_at_peers
from firstread.doctor.checks.settings_in_force import look_at_settings
from firstread.doctor.examined_site import ExaminedSite
from firstread.doctor.path.whole_path import REMOVING_S, look_at_path
from firstread.doctor.run_checks import DoctorCheck

_BUNDLE_S = 180.0
_PEER_S = 40.0


def all_checks(site: ExaminedSite, *, send_phantom: bool) -> tuple[DoctorCheck, ...]:
    """What there is to look at; the phantom comes last, when all that it needs has been seen."""
    folder_needs = (WRITABLE,) if site.settings.embedded else ()  # then messages are files in it
    return (
        DoctorCheck("settings", "Settings", look_at_settings),
        DoctorCheck("disk", "Disk of the data folder", look_at_disk, limit_s=60.0),
        DoctorCheck("room", "Free room", look_at_room, needs=(WRITABLE,)),
        DoctorCheck("object-storage", "Object storage", look_at_object_storage, limit_s=60.0),
        DoctorCheck("database", "Database", look_at_database),
        DoctorCheck("broker", "Broker", look_at_broker, needs=folder_needs),
        DoctorCheck("clocks", "Clocks", look_at_clocks),
        DoctorCheck("parts", "Parts of Firstread", look_at_parts, needs=(SCHEMA,)),
        DoctorCheck("waiting", "What waits", look_at_waiting, needs=(SCHEMA,)),
        DoctorCheck("ports", "Ports", look_at_ports),
        DoctorCheck("certificates", "Certificates", look_at_certificates),
        DoctorCheck("fonts", "Fonts", look_at_fonts),
        *_of_each(site),
        *(_path(site) if send_phantom else ()),
    )


def _of_each(site: ExaminedSite) -> Iterator[DoctorCheck]:
    for name, look in looks_at_bundles(site):
        yield DoctorCheck("bundle", "Bundle", look, _BUNDLE_S, of=name)
    for name, look in looks_at_peers(site):
        yield DoctorCheck("peer", "DICOM peer", look, _PEER_S, of=name)
    for name, look, limit_s in looks_at_flags(site):
        yield DoctorCheck("flag", "Flag receiver", look, limit_s, of=name)


def _path(site: ExaminedSite) -> Iterator[DoctorCheck]:
    yield DoctorCheck(
        "path",
        "Phantom through the whole path",
        look_at_path,
        limit_s=site.phantom_limit_s + REMOVING_S,
        needs=("database.commit", RUNNING),
    )
