"""Decodes the best series of a study that can be decoded: where one fails, the next best is tried.

Headers promise more than pixels keep: two phases in one series, a slice that is damaged. What
failed is refused by a row of the same table that refuses a localizer, so that the choice among the
others, its warnings and the reason that is shown follow the same rules as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from radiology.errors import VolumeRefused
from radiology.image.series import SeriesHeader
from radiology.image.volume import Volume
from worker.series.candidate import Candidate, SelectionLimits
from worker.series.rules import Objection, Refusal
from worker.series.select_series import SeriesSelection, select_series

UNDECODED = "decoding"
"""The name of the rule that refuses a series which gave no volume."""


@dataclass(frozen=True)
class DecodedSeries:
    """A series that was decoded.

    Attributes
    ----------
    selection : with the reason of every other series, those too that were tried before it
    """

    selection: SeriesSelection
    series: SeriesHeader
    volume: Volume


def decode_best(
    found: Sequence[SeriesHeader],
    refusals: Sequence[Refusal],
    decode: Callable[[SeriesHeader], Volume],
    *,
    on_selection: Callable[[SeriesSelection], None] | None = None,
) -> DecodedSeries:
    """Choose a series and decode it, and the next best one where that fails.

    Parameters
    ----------
    found : all series of a study
    refusals : as for `select_series`
    decode : gives the volume of a series, or raises `VolumeRefused`
    on_selection : told of each choice before it is decoded, and of the one that finds none left;
        it may refuse

    Raises
    ------
    NoSuitableSeries
        By their headers no series can be analysed.
    VolumeRefused
        None could be decoded; the error is that of the series which was preferred.
    """
    failed: dict[str, VolumeRefused] = {}
    while True:
        selection = select_series(found, refusals=(*refusals, _undecoded(failed)))
        if on_selection is not None:
            on_selection(selection)
        if selection.chosen is None and failed:
            raise next(iter(failed.values()))
        series = selection.require()
        try:
            return DecodedSeries(selection, series, decode(series))
        except VolumeRefused as error:
            failed[series.series_instance_uid] = error


def _undecoded(failed: Mapping[str, VolumeRefused]) -> Refusal:
    def test(candidate: Candidate, _: SelectionLimits) -> Objection | None:
        error = failed.get(candidate.series.series_instance_uid)
        if error is None:
            return None
        return Objection(seen=error.kind, limit="a volume", reason=error.message)

    return Refusal(UNDECODED, test)
