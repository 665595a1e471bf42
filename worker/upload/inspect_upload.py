"""`python -m worker.upload.inspect_upload ORDER`: look through an upload, within limits.

It runs as a child of a worker. It tells on its standard output which file it is about to look at,
so that its parent knows which file stopped it, then the verdict: one JSON object a line.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from database.uploads.file_refusal import FileRefusal
from models.catalogue import read_any_bundle
from radiology.errors import FirstreadError, Refused, SeveralPatients, UploadRefused
from settings.uploads import UploadLimits
from worker.patient.one_patient import one_patient
from worker.series.read_series import ReadInstance, patients_of
from worker.upload.file_kind import FileKind, kind_of
from worker.upload.inspection import (
    RECEIVED,
    UNPACKED,
    InspectionOrder,
    InspectionResult,
    UploadKind,
)
from worker.upload.try_pixels import try_header, try_picture, try_slice, try_study
from worker.upload.unpack import Unpacked, unpack

WHOLE = ""
"""Said in place of a number when all files are looked at together."""

_TOO_MUCH_MEMORY = "The file needs more memory than an upload may take"
_TOO_DEEP = "The data set is nested more deeply than any that a scanner makes"


@dataclass
class _Found:
    """What was found so far."""

    instances: list[tuple[str, ReadInstance]] = field(default_factory=list)
    pictures: list[tuple[str, Path]] = field(default_factory=list)
    refusals: list[FileRefusal] = field(default_factory=list)

    def refuse(self, number: str, size_bytes: int, error: FirstreadError) -> None:
        self.refusals.append(FileRefusal(number, size_bytes, error.kind, error.message))


class Inspection:
    """One look through one upload.

    Parameters
    ----------
    tell : takes what the parent is to know
    """

    def __init__(self, order: InspectionOrder, tell: Callable[[dict[str, Any]], None]) -> None:
        self._order = order
        self._limits = order.limits
        self._tell = tell
        self._found = _Found()

    def run(self) -> InspectionResult:
        """Look at every file, then at all of them together."""
        try:
            for number, path in self._files():
                self._look_at(number, path)
        except UploadRefused as error:  # of the whole: a study that is cut off must not be read
            return self._nothing(error)
        self._tell({"at": WHOLE})
        found = self._found
        if not found.instances and not found.pictures:
            return self._nothing(_nothing_usable(found))
        try:
            return self._whole()
        except MemoryError:
            return self._nothing(UploadRefused(_TOO_MUCH_MEMORY))
        except Refused as error:
            return self._nothing(error)

    def _files(self) -> Iterator[tuple[str, Path]]:
        """Number and path of every file, those in archives too."""
        received = self._order.folder / RECEIVED
        target = self._order.folder / UNPACKED
        target.mkdir(exist_ok=True)
        so_far = Unpacked()
        for path in sorted(received.iterdir(), key=lambda one: int(one.name)):
            number = path.name
            if self._stopped_us(number, path):
                continue
            self._tell({"at": number})
            try:
                if kind_of(path) is not FileKind.ARCHIVE:
                    yield number, path
                    continue
                for entry in unpack(path, target, number, self._limits, so_far, self._unpacking):
                    name = f"{number}.{entry.number}"
                    if entry.refusal is not None:
                        self._found.refuse(name, entry.size_bytes, entry.refusal)
                    elif entry.path is not None:
                        yield name, entry.path
                    self._tell({"at": number})
            except UploadRefused as error:
                self._found.refuse(number, path.stat().st_size, error)
                if "limit" in error.facts:
                    raise

    def _stopped_us(self, number: str, path: Path) -> bool:
        if number not in self._order.skip:
            return False
        stopped = UploadRefused("The file made the program that reads it stop")
        self._found.refuse(number, path.stat().st_size, stopped)
        return True

    def _look_at(self, number: str, path: Path) -> None:
        if "." in number and self._stopped_us(number, path):
            return
        self._tell({"at": number})
        size_bytes = path.stat().st_size
        try:
            if kind_of(path) is FileKind.PICTURE:
                try_picture(path, self._limits)
                self._found.pictures.append((number, path))
            else:
                self._found.instances.append((number, try_header(path, self._limits)))
        except MemoryError:
            self._found.refuse(number, size_bytes, UploadRefused(_TOO_MUCH_MEMORY))
        except RecursionError:
            self._found.refuse(number, size_bytes, UploadRefused(_TOO_DEEP))
        except Refused as error:
            # A message may name our own path, which is nobody's business.
            said = error.message.replace(str(path), "The file")
            self._found.refusals.append(FileRefusal(number, size_bytes, error.kind, said))

    def _whole(self) -> InspectionResult:
        found = self._found
        if found.instances:
            for number, path in found.pictures:
                beside = UploadRefused("A picture beside DICOM instances is not read")
                found.refuse(number, path.stat().st_size, beside)
            return self._study_or_slice([one for _, one in found.instances])
        if len(found.pictures) > 1:
            raise UploadRefused(
                f"These are {len(found.pictures)} pictures; give one, or the DICOM study"
            )
        return self._verdict(UploadKind.PICTURE, [found.pictures[0][1]])

    def _study_or_slice(self, instances: list[ReadInstance]) -> InspectionResult:
        studies = {one.series.study_instance_uid for one in instances}
        if len(studies) > 1:
            raise UploadRefused(
                f"The instances belong to {len(studies)} studies; give each study by itself"
            )
        try:
            one_patient(patients_of(instances, skip_unreadable=True))
        except SeveralPatients:  # it names them, and nothing of a patient is kept of an upload
            raise UploadRefused(
                "The instances belong to several patients; give those of each by themselves"
            ) from None
        paths = [one.path for one in instances]
        if len(instances) == 1 and len(instances[0].instance.frames) == 1:
            try_slice(instances[0])
            return self._verdict(UploadKind.SLICE, paths)
        bundle = read_any_bundle(self._order.bundle)
        try_study(instances, bundle, self._limits, self._decoding)
        return self._verdict(UploadKind.STUDY, paths)

    def _verdict(self, kind: UploadKind, paths: list[Path]) -> InspectionResult:
        within = tuple(str(path.relative_to(self._order.folder)) for path in paths)
        return InspectionResult(kind, within, tuple(self._found.refusals))

    def _nothing(self, error: FirstreadError) -> InspectionResult:
        refusals = tuple(self._found.refusals)
        return InspectionResult(None, (), refusals, error.kind, error.message)

    def _unpacking(self, done: int, total: int) -> None:
        self._tell({"step": "unpacking", "done": done, "total": total})

    def _decoding(self, done: int, total: int) -> None:
        self._tell({"step": "decoding", "done": done, "total": total})


def _nothing_usable(found: _Found) -> UploadRefused:
    if not found.refusals:
        return UploadRefused("There was no file in it")
    if len(found.refusals) == 1:
        return UploadRefused(found.refusals[0].reason)
    return UploadRefused(f"None of the {len(found.refusals)} files can be looked at")


def limit_ourselves(limits: UploadLimits) -> None:
    """Take no more memory, time of the processor or disk than an upload may."""
    seconds = int(limits.look_through_s) + 1
    resource.setrlimit(resource.RLIMIT_AS, (limits.most_memory_bytes, limits.most_memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (4 * seconds, 4 * seconds))  # several threads count
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (limits.most_unpacked_bytes, limits.most_unpacked_bytes)
    )
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a dump would hold what was uploaded


def _own_channel() -> IO[str]:
    """Standard output for us alone: what decoders print there would be taken for ours."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.close(nothing)
    return channel


def main(arguments: list[str]) -> int:
    """Look through one upload and tell the parent."""
    order = InspectionOrder.from_text(arguments[0])
    limit_ourselves(order.limits)
    channel = _own_channel()

    def tell(facts: dict[str, Any]) -> None:
        channel.write(json.dumps(facts) + "\n")
        channel.flush()

    tell({"verdict": Inspection(order, tell).run().facts()})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
