"""Chromium without a screen, driven by Playwright."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.peers.programs import absent, require_program

# Root needs --no-sandbox; the others keep a browser without network from asking for updates.
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium_executable() -> Path:
    """Give the path of the browser."""
    return require_program("chromium", package="chromium")


def require_font(language: str, *, package: str) -> None:
    """End the test unless there is a font with the characters of a language, for its pictures."""
    found = subprocess.run(
        [require_program("fc-list", package="fontconfig"), f":lang={language}"],
        check=True,
        capture_output=True,
        timeout=60,
    )
    if not found.stdout.strip():
        absent(f"there is no font for {language} (Debian package {package})")


@contextmanager
def running_chromium(*arguments: str) -> Iterator[Browser]:
    """Start the browser with further command line arguments, and end it afterwards."""
    executable = chromium_executable()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, headless=True, args=[*_ARGUMENTS, *arguments]
        )
        try:
            yield browser
        finally:
            browser.close()
