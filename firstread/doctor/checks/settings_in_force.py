"""The settings: whether they let studies in and results out, and whether their files are there."""

from __future__ import annotations

from collections.abc import Iterator

from firstread.checks.links import dead_links
from firstread.doctor.examined_site import ExaminedSite
from firstread.doctor.line import DoctorLine, Sentence, broken, fine, reason_of, say, warning
from radiology.errors import FirstreadError
from settings.environment import Settings
from worker.flag.channels import open_channel
from worklist.server import check_network


def look_at_settings(site: ExaminedSite) -> Iterator[DoctorLine]:
    """Peers, destinations, secrets, the page on the network; certificates have their own check."""
    lines = list(_faults(site.settings))
    yield from lines
    if not lines:
        yield fine("settings", say("The settings let studies in and results out"))


def _faults(settings: Settings) -> Iterator[DoctorLine]:
    if settings.accept_any_peer:
        yield warning(
            "settings.peers",
            say("accept_any_peer is on: anybody on the network may send studies"),
            say("Name your scanners and your PACS under [[peers]], then switch it off."),
        )
    elif not settings.sources:
        yield broken(
            "settings.peers",
            say("No peer may send studies: every association is rejected"),
            say("Name your scanners and your PACS under [[peers]] in firstread.toml."),
        )
    if not settings.destinations:
        yield broken(
            "settings.destinations",
            say("Results go nowhere: there is no destination"),
            say(
                'Give your PACS host, port and roles = ["source", "destination"] under [[peers]] '
                "in firstread.toml."
            ),
        )
    secret = say("Put the secret into the file that the setting names, readable for our user only.")
    for peer in settings.destinations:
        try:
            settings.stow_secret(peer)
        except FirstreadError as error:
            yield _fault("settings.secrets", error, secret)
    for channel in settings.flags:
        try:
            open_channel(channel, settings).close()
        except FirstreadError as error:
            yield _fault(
                "settings.flags", error, say("Correct the files and names under [[flags]].")
            )
    try:
        check_network(settings)
        if settings.sign_in.provider is not None:
            settings.sign_in.provider.client_secret()
    except FirstreadError as error:
        yield _fault(
            "settings.page",
            error,
            say("Correct [worklist_network] or [sign_in.provider] (docs/sign-in.md)."),
        )
    if dead := dead_links(settings):
        yield warning(
            "settings.links",
            say(
                "What flag channels send (%(channels)s) links to %(address)s, which only this "
                "machine can open",
                channels=dead.channels,
                address=dead.address,
            ),
            say("Set flagging.page_url to the address of the worklist page as others reach it."),
        )
    for name in settings.bundle_limits:
        if name not in settings.bundles:
            yield warning(
                "settings.bundle-limits",
                say("bundle_limits names %(bundle)s, which is not in use", bundle=name),
                say("Take it away, or add the name to bundles."),
            )


def _fault(name: str, error: FirstreadError, cure: Sentence) -> DoctorLine:
    return broken(name, say("%(reason)s", reason=reason_of(error)), cure)
