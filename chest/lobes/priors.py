"""The expected place of each fissure, from anatomy alone.

Shares of volume: Yamada et al., "Differences in Lung and Lobe Volumes between Supine and Standing
Positions", Respiration 2020;99:598, doi:10.1159/000507265, table 3, supine, 32 adults, in percent
of both lungs, mean ± standard deviation (range): right lung 53.6, right upper lobe 17.9 ± 2.4,
right middle 9.3 ± 1.6 (6.6–13.8), right lower 26.5 ± 2.6 (22.3–34.0), left lung 46.4, left upper
23.1 ± 2.1, left lower 23.2 ± 2.4 (19.4–28.7). Those people were healthy; disease shrinks lobes, so
spread and limits here are wider. Inclinations and bends are ours, from looking at fissures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Share:
    """How much of the lung (or of the part above another fissure) lies below a fissure, 0 to 1."""

    mean: float
    spread: float
    least: float
    most: float


@dataclass(frozen=True)
class FissurePrior:
    """Where and how a fissure may run.

    Attributes
    ----------
    incline_degrees : of its mean plane, rising to the back, against the horizontal
    below : the share of volume below it
    slope_back, slope_aside : largest slope against the mean plane, to the back and to the side
    bends_mm : spread of the quadratic bends along, aside and across, and of the cubic along,
        as heights at the edge of the lung
    """

    name: str
    incline_degrees: float
    below: Share
    slope_back: float
    slope_aside: float
    bends_mm: tuple[float, float, float, float]


RIGHT_OBLIQUE = FissurePrior(
    name="right oblique fissure",
    incline_degrees=45.0,
    below=Share(mean=26.5 / 53.6, spread=0.06, least=0.33, most=0.66),
    slope_back=0.45,
    slope_aside=0.45,
    bends_mm=(12.0, 8.0, 8.0, 8.0),
)
LEFT_OBLIQUE = replace(  # runs as the right one does, with another share below it
    RIGHT_OBLIQUE,
    name="left oblique fissure",
    below=replace(RIGHT_OBLIQUE.below, mean=23.2 / 46.4),
)
RIGHT_HORIZONTAL = FissurePrior(
    name="right horizontal fissure",
    incline_degrees=0.0,
    below=Share(mean=9.3 / (17.9 + 9.3), spread=0.10, least=0.12, most=0.62),
    slope_back=0.35,
    slope_aside=0.40,
    bends_mm=(10.0, 8.0, 8.0, 5.0),
)
