"""What may be something else than pneumonia: emphysema, dependent atelectasis, and the like.

English, and short: a reservation is one line, the same in report, picture and page.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

LOW_ATTENUATION_HU = -950.0
EMPHYSEMA_FROM_PERCENT = 10.0
DEPENDENT_WITHIN_MM = 15.0
DEPENDENT_FROM_PERCENT = 80.0
NOT_TOLD_APART = "An opacity is not told from tumour, fibrosis or atelectasis"


@dataclass(frozen=True, slots=True)
class OtherDisease:
    """Shares that image analysis can measure; they change no answer and no urgency.

    Attributes
    ----------
    low_attenuation_percent : of the lungs, below −950 HU in means over at least 2 mm; None where
        noise hides it
    dependent_percent : of the opacities, within 15 mm of the pleura that lies down, in a patient
        with such opacities on both sides; None where there are none, and where no header says
        which side lies down
    """

    low_attenuation_percent: float | None = None
    dependent_percent: float | None = None


def reservation_texts(other: OtherDisease | None, *, suspected: bool) -> Iterator[str]:
    """What a reader must bear in mind, one line each.

    Parameters
    ----------
    other : None for a reading of a version that did not measure it
    suspected : whether opacities are
    """
    if suspected:
        yield NOT_TOLD_APART
    if other is None:
        return
    dependent, low = other.dependent_percent, other.low_attenuation_percent
    if suspected and dependent is not None and dependent >= DEPENDENT_FROM_PERCENT:
        yield (
            f"{dependent:.0f} % of the opacities within {DEPENDENT_WITHIN_MM:.0f} mm of the pleura "
            "that lies down: may be dependent atelectasis"
        )
    if low is not None and low >= EMPHYSEMA_FROM_PERCENT:
        yield f"{low:.1f} % of the lungs below {LOW_ATTENUATION_HU:.0f} HU: may be emphysema"
