"""A short form of the year: three hundred studies in ten days, on a disk for sixty of them."""

from __future__ import annotations

from pathlib import Path

from benchmarks.retention import simulate


def test_the_disk_stays_between_its_marks_and_nothing_unanswered_goes(tmp_path: Path) -> None:
    """By a book of its own: what went was answered, delivered and acknowledged."""
    site, year = simulate(tmp_path, studies=300, days=10, held_studies=60)
    site.engine.dispose()
    assert year.studies == 300
    assert year.went_too_early == 0
    assert year.refused_times == 0
    assert year.gone > 200
    assert year.held_for_ever >= 1
    assert 0.5 < year.emptiest < year.fullest <= 0.85
