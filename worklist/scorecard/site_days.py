"""Days as the site counts them, and periods made of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from database.feedback.given import Period

LONGEST_DAYS = 92
"""Of a period that is looked at: what is read stays bounded."""


@dataclass(frozen=True, slots=True)
class SiteDays:
    """Whole days, both included, in the site's time zone; None: that of the machine."""

    first: date
    last: date
    zone: tzinfo | None

    @property
    def period(self) -> Period:
        """From the first midnight to the one after the last day."""
        return Period(self._midnight(self.first), self._midnight(self.last + timedelta(days=1)))

    @property
    def days(self) -> list[date]:
        """Each of them."""
        count = (self.last - self.first).days + 1
        return [self.first + timedelta(days=number) for number in range(count)]

    def day_of(self, moment: datetime) -> date:
        """The site's day that a moment falls into."""
        return moment.astimezone(self.zone).date()

    def _midnight(self, day: date) -> datetime:
        # Without a zone the machine's own rules hold, summer time of that very day included.
        naive = datetime.combine(day, time.min)
        return naive.replace(tzinfo=self.zone) if self.zone else naive.astimezone()


def site_days(
    first: date | None, last: date | None, *, now: datetime, zone: tzinfo | None, usual_days: int
) -> SiteDays | None:
    """The days that were asked for; without an end those until today.

    Returns
    -------
    None when they end before they begin, or are more than `LONGEST_DAYS`.
    """
    last = last or now.astimezone(zone).date()
    if first is None:
        if last.toordinal() < usual_days:
            return None
        first = last - timedelta(days=usual_days - 1)
    if not 0 <= (last - first).days < LONGEST_DAYS or last.year > 9000 or first.year < 1900:
        return None
    return SiteDays(first, last, zone)
