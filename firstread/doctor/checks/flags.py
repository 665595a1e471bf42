"""The flag receivers: each is told of a study that does not exist, marked as a test, and that it
is withdrawn; just as `firstread flags test` does.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from firstread.doctor.examined_site import ExaminedSite
from firstread.doctor.line import DoctorLine, broken, fine, reason_of, say
from radiology.errors import FirstreadError, PeerBusy, PeerRefused, SettingsRefused
from settings.flags import AnyChannel
from worker.flag.channel import NoticeKind
from worker.flag.channels import open_channel
from worker.flag.trial_notice import trial_notice

Look = Callable[[ExaminedSite], Iterable[DoctorLine]]


def looks_at_flags(site: ExaminedSite) -> Iterator[tuple[str, Look, float]]:
    """A check for each channel, and how long it may take."""
    if not site.tell_flags:
        return
    for channel in site.settings.flags:
        yield channel.name, partial(_look_at_channel, channel), 3 * channel.answer_s + 10.0


def _look_at_channel(channel: AnyChannel, site: ExaminedSite) -> Iterator[DoctorLine]:
    name, of = "flag.receiver", channel.name
    salt = secrets.token_hex(8)
    try:
        sender = open_channel(channel, site.settings)
    except SettingsRefused as error:
        said = say("%(channel)s: %(reason)s", channel=of, reason=reason_of(error))
        cure = say("Correct the files and names under [[flags]] %(channel)s.", channel=of)
        yield broken(name, said, cure, of=of)
        return
    try:
        codes = []
        for kind in (NoticeKind.RAISED, NoticeKind.WITHDRAWN):
            now = site.clock()
            codes.append(sender.send(trial_notice(site.settings, kind, now, salt), now).code)
    except FirstreadError as error:
        yield _not_told(channel, error)
    else:
        yield fine(
            name,
            say(
                "%(channel)s took a test flag and its withdrawal (%(codes)s)",
                channel=of,
                codes=", ".join(codes),
            ),
            of=of,
        )
    finally:
        sender.close()


def _not_told(channel: AnyChannel, error: FirstreadError) -> DoctorLine:
    said = say("%(channel)s: %(reason)s", channel=channel.name, reason=reason_of(error))
    if isinstance(error, PeerRefused | SettingsRefused):
        cure = say(
            "It answers and says no: do what the message says, there or under [[flags]] "
            "%(channel)s; then 'firstread flags test %(channel)s'.",
            channel=channel.name,
        )
    elif isinstance(error, PeerBusy):
        cure = say(
            "It answers and cannot take it: its own log says why. Then 'firstread flags test "
            "%(channel)s'.",
            channel=channel.name,
        )
    else:
        cure = say(
            "Start it, or correct host, port or url under [[flags]] %(channel)s; look for a "
            "firewall between. Then 'firstread flags test %(channel)s'.",
            channel=channel.name,
        )
    return broken("flag.receiver", said, cure, of=channel.name)
