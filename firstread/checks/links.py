"""Whether those who are sent a link to the worklist page can follow it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from settings.environment import Settings
from worker.flag.flag_study import page_address
from worklist.access.request_guard import is_loopback


@dataclass(frozen=True, slots=True)
class DeadLinks:
    """Links that only this machine can open.

    Attributes
    ----------
    channels : the names of those that send them, with commas
    address : of the worklist page, as they give it
    """

    channels: str
    address: str


def dead_links(settings: Settings) -> DeadLinks | None:
    """The links of flag channels that lead nowhere; None where they lead to the page."""
    channels = ", ".join(channel.name for channel in settings.flags if channel.sends_link)
    address = page_address(settings)
    if channels and _is_of_no_other_machine(urlsplit(address).hostname or ""):
        return DeadLinks(channels, address)
    return None


def link_warnings(settings: Settings) -> Iterator[str]:
    """Why the links that flag channels send lead nowhere; nothing where they lead to the page."""
    if dead := dead_links(settings):
        yield (
            f"What flag channels send ({dead.channels}) links to {dead.address}, which only this "
            "machine can open: set flagging.page_url to the address of the worklist page as "
            "others reach it"
        )


def _is_of_no_other_machine(host: str) -> bool:
    """Whether a host name or address means this machine to whoever reads it, or no machine."""
    if is_loopback(host):
        return True
    try:
        return ipaddress.ip_address(host).is_unspecified  # 0.0.0.0 is listened on, never asked
    except ValueError:
        return False
