"""Whether those who are sent a link to the worklist page can follow it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from settings.environment import Settings
from worker.flag.flag_study import page_address
from worklist.access.request_guard import is_loopback


def link_warnings(settings: Settings) -> Iterator[str]:
    """Why the links that flag channels send lead nowhere; nothing where they lead to the page."""
    names = ", ".join(channel.name for channel in settings.flags if channel.sends_link)
    address = page_address(settings)
    if names and _is_of_no_other_machine(urlsplit(address).hostname or ""):
        yield (
            f"What flag channels send ({names}) links to {address}, which only this machine can "
            "open: set flagging.page_url to the address of the worklist page as others reach it"
        )


def _is_of_no_other_machine(host: str) -> bool:
    """Whether a host name or address means this machine to whoever reads it, or no machine."""
    if is_loopback(host):
        return True
    try:
        return ipaddress.ip_address(host).is_unspecified  # 0.0.0.0 is listened on, never asked
    except ValueError:
        return False
