"""Prints whether the settings in force would work and, where asked for, the settings."""

from __future__ import annotations

from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from firstread.checks.check import CheckResult, Health
from firstread.checks.settings_checks import check_all
from firstread.say import print_json, table_console
from settings.environment import Settings
from worklist.administration.settings_lines import settings_lines

_SIGNS = {
    Health.FINE: "[bold green]✓[/]",
    Health.WARNING: "[bold yellow]![/]",
    Health.BROKEN: "[bold red]✗[/]",
}


def print_checks(settings: Settings, *, echo: bool, show: bool, as_json: bool) -> int:
    """Print what each check says; returns 1 when something is broken, otherwise 0.

    Parameters
    ----------
    echo : also ask every destination, and call every flag receiver
    show : also print every setting in force, secrets masked
    """
    results = check_all(settings, echo=echo)
    levels = [one.level for one in results]
    if as_json:
        lines = {"settings": dict(settings_lines(settings))} if show else {}
        print_json({"status": _worst(levels), "asked": echo, **_as_json(results), **lines})
    else:
        _print(results, echo=echo)
        if show:
            _print_settings(settings)
    return int(Health.BROKEN in levels)


def _worst(levels: list[Health]) -> Health:
    return next((one for one in (Health.BROKEN, Health.WARNING) if one in levels), Health.FINE)


def _as_json(results: tuple[CheckResult, ...]) -> dict[str, object]:
    return {"checks": [asdict(one) | {"level": one.level} for one in results]}


def _print(results: tuple[CheckResult, ...], *, echo: bool) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for result in results:
        console.print(f"{_SIGNS[result.level]} {result.title}")
        for found in result.found:
            console.print(f"    {_SIGNS[found.level]} {escape(found.message)}")
    asked = "" if echo else " No peer and no flag receiver was asked: that is --echo."
    console.print(f"{_said_in_all([one.level for one in results])}{asked}")


def _said_in_all(levels: list[Health]) -> str:
    broken, warned = levels.count(Health.BROKEN), levels.count(Health.WARNING)
    if not broken and not warned:
        return "Every check passed."
    return f"Of {len(levels)} checks {broken} found something broken, {warned} warn."


def _print_settings(settings: Settings) -> None:
    table = Table("Setting", "Value", title="Settings in force")
    for name, value in settings_lines(settings):
        table.add_row(name, value)
    table_console().print(table)
