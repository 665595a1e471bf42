"""A Firstread in which everything is well: a database, parts that give signs, a bundle, a PACS."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from database.doctor.runs import begin_run
from database.process_signs import note_sweep, record_sign
from database.session import transaction
from firstread.checks.check import Health
from firstread.doctor.all_checks import all_checks
from firstread.doctor.examined_site import ExaminedSite
from firstread.doctor.line import DoctorLine
from firstread.doctor.run_checks import run_checks
from settings.environment import Settings
from settings.flags import AnyChannel
from settings.served_process import needed_parts
from tests.peers.dicom.tampering_pacs import TamperingPacs
from tests.peers.ports import free_port

MACHINE = "ct-ai"


@dataclass(frozen=True)
class HealthySite:
    """What a test breaks one thing of, and what the doctor says then."""

    site: ExaminedSite
    folder: Path
    pacs: TamperingPacs

    @property
    def settings(self) -> Settings:
        """In force."""
        return self.site.settings

    def with_settings(self, **changes: Any) -> HealthySite:
        """The same with other settings."""
        values = {name: getattr(self.settings, name) for name in self.settings.model_fields_set}
        changed = Settings(**{**values, **changes})
        return replace(self, site=replace(self.site, settings=changed))

    def with_site(self, **changes: Any) -> HealthySite:
        """The same with a doctor that is set up otherwise."""
        return replace(self, site=replace(self.site, **changes))

    def with_peer(self, **entries: Any) -> HealthySite:
        """The same, with other entries of the PACS."""
        return self.with_settings(peers=(self.pacs.as_peer(**entries),))

    def with_channel(self, **entries: Any) -> HealthySite:
        """The same with a flag channel."""
        channel: Any = TypeAdapter(AnyChannel).validate_python({"name": "pager", **entries})
        return self.with_settings(flags=(channel,))

    def with_parts(self) -> HealthySite:
        """Every part that the settings need gives a sign of life now, and a sweep has come."""
        now = datetime.now(UTC)
        with transaction(self.site.engine) as session:
            for number, part in enumerate(needed_parts(self.settings)):
                name = f"{MACHINE}:{number}"
                record_sign(session, name, part.value, started_at=now, now=now)
            note_sweep(session, now)
        return self

    def says(self, *names: str) -> list[DoctorLine]:
        """What checks say; those that they need are run too."""
        checks = all_checks(self.site, send_phantom=False)
        needed = {
            one.partition(".")[0] for check in checks if check.name in names for one in check.needs
        }
        wanted = [one for one in checks if one.name in needed | set(names)]
        done = list(run_checks(wanted, self.site))
        return [line for one in done if one.check.name in names for line in one.lines]


def only(lines: list[DoctorLine], name: str) -> DoctorLine:
    """The one line of a name that is not fine."""
    (found,) = [one for one in lines if one.name == name and one.health is not Health.FINE]
    return found


@contextmanager
def healthy_site(
    folder: Path, bundles: Path, database: Path, pacs: TamperingPacs
) -> Iterator[HealthySite]:
    """Make it in an empty folder.

    Parameters
    ----------
    database : an empty one, which is copied
    """
    settings = Settings(
        data_folder=folder / "data",
        bundles_folder=bundles,
        dicom_host="127.0.0.1",
        dicom_port=free_port(),
        worklist_port=free_port(),
        min_free_bytes=0,
        peers=(pacs.as_peer(),),
        retention={"high_mark_percent": 100, "low_mark_percent": 99.9},  # whatever the disk holds
    )
    settings.data_folder.mkdir()
    shutil.copy(database, settings.sqlite_file)
    site = ExaminedSite(settings, peer_s=3.0)
    with transaction(site.engine) as session:
        run = begin_run(session, datetime.now(UTC), asked_by="somebody", machine=MACHINE)
    assert run is not None
    made = HealthySite(replace(site, run_id=run.run_id, ticket=run.ticket), folder, pacs)
    yield made.with_parts()
    site.engine.dispose()


@contextmanager
def giving_signs(
    site: HealthySite, *names: str, part: str, every_s: float = 0.05
) -> Iterator[None]:
    """Processes of one part that go on giving signs."""
    ended, began = threading.Event(), datetime.now(UTC) - timedelta(minutes=1)

    def give() -> None:
        with transaction(site.site.engine) as session:
            for name in names:
                record_sign(session, name, part, started_at=began, now=datetime.now(UTC))

    def go_on() -> None:
        while not ended.wait(every_s):
            give()

    give()
    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
