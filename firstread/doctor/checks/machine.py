"""This machine: the data folder and its disk, room, ports, fonts."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

from database.retention.disk import marks_of
from dicom_node.whole_flush import file_system_of
from firstread.checks.network import own_ports, parts_here, port_problems
from firstread.data_folder import is_of_nobody, make_data_folder, server_of
from firstread.doctor.examined_site import ExaminedSite
from firstread.doctor.line import DoctorLine, broken, fine, reason_of, say, warning
from radiology.language import Language
from settings.environment import Settings
from worker.encode.picture.lettering import font

WRITABLE: Final = "disk.writable"
_PROBE: Final = ".doctor-disk-check"
_MEGABYTE: Final = 1_000_000
_PROBE_BYTES: Final = 32 * _MEGABYTE
_FLUSHES: Final = 20
_SLOW_MB_S: Final = 20.0  # a study of 300 MB would take a quarter of a minute to write
_SLOW_FLUSH_S: Final = 0.05  # each image waits for one before it is answered
_TOO_SLOW_FLUSH_S: Final = 1.0
_FEW_FILES: Final = 50_000
_OVER_A_NETWORK: Final = frozenset(("nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p"))
_CURES: Final = {
    errno.ENOSPC: say("The disk is full: make room, 'firstread retention --now', or a larger one."),
    errno.EDQUOT: say("The quota of our user is used up: raise it, or make room."),
    errno.EROFS: say(
        "The disk is mounted read-only, usually after a fault: look at 'dmesg', mend it, and "
        "mount it for writing."
    ),
    errno.EACCES: say(
        "The folder is another user's: run the doctor as the user that Firstread runs as, or "
        "'chown -R' the folder to that user."
    ),
}
_OTHER_CURE: Final = say(
    "Look at 'dmesg' and at the disk itself; let data_folder name another one."
)


def look_at_disk(site: ExaminedSite) -> Iterator[DoctorLine]:
    """Whether the data folder can be written, how fast, and how long a flush to the disk takes."""
    folder = site.settings.data_folder
    probe = folder / _PROBE
    if is_of_nobody(site.settings):
        yield broken(
            WRITABLE,
            say(
                "No settings file was read, and there is no data folder at %(folder)s",
                folder=str(folder.resolve()),
            ),
            say(
                "Call the doctor in the folder that 'firstread serve' is started in, or let "
                "FIRSTREAD_SETTINGS_FILE name the settings file."
            ),
        )
        return
    try:
        make_data_folder(folder)
        probe.write_bytes(b"")
    except OSError as error:
        yield _not_written(folder, error)
        return
    yield fine(WRITABLE, say("The data folder %(folder)s can be written", folder=str(folder)))
    yield from _file_system(site.settings)
    try:
        yield _speed(probe, folder)
        yield _flushes(probe)
    except OSError as error:
        yield _not_written(folder, error)
    finally:
        probe.unlink(missing_ok=True)


def _not_written(folder: Path, error: OSError) -> DoctorLine:
    return broken(
        WRITABLE,
        say(
            "The data folder %(folder)s cannot be written: %(reason)s",
            folder=str(folder),
            reason=reason_of(error),
        ),
        _CURES.get(error.errno or 0, _OTHER_CURE),
    )


def _file_system(settings: Settings) -> Iterator[DoctorLine]:
    kind = file_system_of(settings.data_folder)
    if settings.embedded and kind in _OVER_A_NETWORK:
        yield broken(
            "disk.kind",
            say("The data folder with the database lies on a network drive (%(kind)s)", kind=kind),
            say(
                "SQLite loses data there: put data_folder on a disk of this machine, or use "
                "PostgreSQL and Redis (docs/operations.md, Sizes)."
            ),
        )


def _speed(probe: Path, folder: Path) -> DoctorLine:
    name = "disk.speed"
    if shutil.disk_usage(folder).free < 2 * _PROBE_BYTES:
        return broken(
            name, say("The disk is full: its speed was not measured"), _CURES[errno.ENOSPC]
        )
    block = os.urandom(_MEGABYTE)
    began = time.perf_counter()
    with probe.open("wb") as file:
        for _ in range(_PROBE_BYTES // _MEGABYTE):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    rate = _PROBE_BYTES / _MEGABYTE / (time.perf_counter() - began)
    said = say("The disk of the data folder writes %(rate)s MB/s", rate=round(rate))
    if rate >= _SLOW_MB_S:
        return fine(name, said)
    return warning(
        name,
        said,
        say(
            "Studies come faster than that: put data_folder on a local disk, and look what else "
            "writes to this one ('iostat -x 5')."
        ),
    )


def _flushes(probe: Path) -> DoctorLine:
    took = []
    with probe.open("r+b") as file:
        for _ in range(_FLUSHES):
            began = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - began)
    said = say(
        "A flush to the disk (fsync) takes %(median)s ms, the slowest of some %(longest)s ms",
        median=round(1000 * median(took), 1),
        longest=round(1000 * max(took), 1),
    )
    cure = say(
        "Each image waits for a flush: use a solid-state disk or a controller with a battery, not "
        "a network drive."
    )
    name = "disk.fsync"
    if median(took) > _TOO_SLOW_FLUSH_S:
        return broken(name, said, cure)
    return warning(name, said, cure) if median(took) > _SLOW_FLUSH_S else fine(name, said)


def look_at_room(site: ExaminedSite) -> Iterator[DoctorLine]:
    """Free room beside the marks of the retention, and how many files the disk still takes."""
    settings = site.settings
    usage = shutil.disk_usage(settings.data_folder)
    marks = marks_of(usage.total, settings.retention, min_free_bytes=settings.min_free_bytes)
    facts = {
        "free": round(usage.free / 1e9, 1),
        "least": round(settings.min_free_bytes / 1e9, 1),
        "mark": round(marks.high_free_bytes / 1e9, 1),
    }
    name = "room.bytes"
    if usage.free < settings.min_free_bytes:
        yield broken(
            name,
            say("%(free)s GB are free, and studies are refused below %(least)s GB", **facts),
            say(
                "Make room on the disk, or lower min_free_bytes. 'firstread retention --dry-run' "
                "says what may go and what is held back."
            ),
        )
    elif usage.free < marks.high_free_bytes:
        yield warning(
            name,
            say(
                "%(free)s GB are free: past the mark of %(mark)s GB, below which the oldest goes",
                **facts,
            ),
            say(
                "'firstread retention --dry-run' says what goes and what is held back; plan a "
                "larger disk."
            ),
        )
    else:
        said = say(
            "%(free)s GB are free; below the mark of %(mark)s GB the oldest images go, below "
            "%(least)s GB studies are refused",
            **facts,
        )
        yield fine(name, said)
    files = os.statvfs(settings.data_folder)
    if files.f_files and files.f_favail < _FEW_FILES:
        yield warning(
            "room.files",
            say("The disk takes only %(count)s more files (inodes)", count=files.f_favail),
            say(
                "Remove small files from this disk, or make its file system anew with more inodes."
            ),
        )


def look_at_ports(site: ExaminedSite) -> Iterator[DoctorLine]:
    """Whether a port answers whose part runs here; of another one whether it is free."""
    settings = site.settings
    server, running = server_of(settings.data_folder), parts_here(settings)
    problems = port_problems(settings)
    for problem in problems:
        yield broken(
            "ports",
            say("%(reason)s", reason=problem),
            say("'ss -ltnp' shows which program has the port."),
            of=problem.partition(":")[0],
        )
    ours = [one for one in own_ports(settings) if server is not None or one[1] in running]
    if not problems and not ours:
        yield fine("ports", say("Our ports are free, or another machine listens on them"))
    for name, part, host, port in ours:
        try:
            socket.create_connection((_reached(host), port), timeout=site.peer_s).close()
        except OSError as error:
            yield broken(
                "ports",
                say(
                    "%(setting)s: Firstread runs (process %(server)s), but nothing answers at port "
                    "%(port)s: %(reason)s",
                    setting=name,
                    server=running.get(part, str(server)),
                    port=port,
                    reason=reason_of(error),
                ),
                say(
                    "Its log says why the part does not listen (not_started, page_not_started); "
                    "'ss -ltnp' shows who has the port."
                ),
                of=name,
            )
        else:
            yield fine(
                "ports",
                say("Port %(port)s answers (%(setting)s)", port=port, setting=name),
                of=name,
            )


def _reached(host: str) -> str:
    """How an address that is listened on is called from the same machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def look_at_fonts(site: ExaminedSite) -> Iterator[DoctorLine]:
    """Whether the key picture can be lettered in each language."""
    for language, sample in ((Language.ENGLISH, "Lung 17 %"), (Language.CHINESE, "肺 17 %")):
        try:
            drawn = font(16, language).getmask(sample).getbbox() is not None
            reason = "" if drawn else "it draws nothing"
        except (OSError, TypeError) as error:
            reason = reason_of(error) if isinstance(error, OSError) else str(error)
        name = "fonts"
        if not reason:
            yield fine(
                name,
                say("The lettering of pictures is there (%(of)s)", of=language.value),
                of=language.value,
            )
            continue
        said = say(
            "The lettering of pictures (%(of)s) cannot be used: %(reason)s",
            of=language.value,
            reason=reason,
        )
        cure = say(
            "Install Firstread again: the font is part of it (docs/hospital/day.md, Updating)."
        )
        used = language is site.settings.language
        yield (broken if used else warning)(name, said, cure, of=language.value)
