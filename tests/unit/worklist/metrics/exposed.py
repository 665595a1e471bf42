"""Reads what a scrape gave: Prometheus's text format 0.0.4, without the library that wrote it."""

from __future__ import annotations

import re

_SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Name and labels of every sample, and its value."""
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        read = _SAMPLE.fullmatch(line)
        assert read is not None, line
        labels = frozenset(_LABEL.findall(read["labels"] or ""))
        assert (read["name"], labels) not in found, line
        found[read["name"], labels] = float(read["value"])
    return found


def sample(text: str, name: str, **labels: str) -> float | None:
    """The value of one series; None where there is none."""
    return samples(text).get((name, frozenset(labels.items())))
