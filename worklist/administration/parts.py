"""Which parts of Firstread give signs of life."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from database.process_signs import SILENT_AFTER_S, process_signs
from database.session import Session
from settings.environment import Settings
from settings.served_process import needed_parts


@dataclass(frozen=True, slots=True)
class PartSigns:
    """The processes of one part.

    Attributes
    ----------
    needed : whether the settings give it something to do
    processes : how many have given a sign lately
    last_sign_s : seconds since the newest sign of any of them; None where none is known
    """

    part: str
    needed: bool
    processes: int
    last_sign_s: float | None

    @property
    def is_silent(self) -> bool:
        """Whether it should run and does not."""
        return self.needed and self.processes == 0


def part_signs(session: Session, settings: Settings, now: datetime) -> tuple[PartSigns, ...]:
    """Every part that should run, in the order of a study, then others that have been heard of."""
    needed = [part.value for part in needed_parts(settings)]
    ages: dict[str, list[float]] = {part: [] for part in needed}
    for one in process_signs(session):
        ages.setdefault(one.part, []).append(max(0.0, (now - one.seen_at).total_seconds()))
    return tuple(
        PartSigns(
            part,
            part in needed,
            sum(age_s <= SILENT_AFTER_S for age_s in found),
            min(found, default=None),
        )
        for part, found in ages.items()
    )
