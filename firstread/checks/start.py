"""What `firstread serve` says at its start: where it looks, and what a newcomer has left out."""

from __future__ import annotations

from collections.abc import Iterator

from firstread.data_folder import says_where
from firstread.say import console
from settings.environment import Settings
from settings.log.log_events import get_logger

_log = get_logger("serve")


def say_start(settings: Settings) -> None:
    """Warn of what is missing, and say where settings and data are; a terminal gets sentences.

    Log events on standard error stay one object a line for whoever collects them, so sentences are
    printed only where a person watches or the log is a file.
    """
    places = places_of(settings)
    warnings = tuple(start_warnings(settings))
    for name, message in warnings:
        _log.warning(name, message=message)
    say_to_person(
        settings,
        f"Settings file: {places['settings_file'] or 'none'}; data folder: {places['data_folder']}",
    )
    for _, message in warnings:
        say_to_person(settings, f"! {message}")
    say_to_person(settings, "Starting …")


def say_to_person(settings: Settings, sentence: str) -> None:
    """Print a sentence where a person watches, or where the log is a file and leaves the room."""
    if console.is_terminal or settings.log_file is not None:
        console.print(sentence, markup=False)


def places_of(settings: Settings) -> dict[str, str | None]:
    """Where settings were read from, and where data is kept; None: no file was read."""
    file = type(settings).settings_file
    return {
        "settings_file": None if file is None else str(file.resolve()),
        "data_folder": str(settings.data_folder.resolve()),
    }


def start_warnings(settings: Settings) -> Iterator[tuple[str, str]]:
    """Name of a log event and its sentence, for each thing that is probably not meant."""
    if not says_where(settings):
        yield (
            "no_settings_file",
            "No settings file was read: there is no firstread.toml in this folder, and "
            "FIRSTREAD_SETTINGS_FILE is not set. Every setting that no variable names has its "
            "default",
        )
    if not settings.sources and not settings.accept_any_peer:
        yield (
            "no_peer",
            "No peer may send studies, so every association is rejected: name your scanners and "
            "your PACS under [[peers]] in the settings file, and start again",
        )
