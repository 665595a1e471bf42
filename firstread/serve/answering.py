"""Says when a Firstread that was started answers: its node an association, its page a request."""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import Iterator

import httpx

from database.doctor.ticket import knock, new_ticket, stop_knocking
from database.session import transaction
from dicom_node.request.verification import verify_peer
from firstread.checks.start import say_to_person
from firstread.doctor.examined_site import ExaminedSite
from firstread.doctor.path.our_node import ANY, node_on
from http_client.bounded_client import AnswerLimits, bounded_client
from radiology.errors import DatabaseUnavailable, FirstreadError
from settings.environment import Settings
from settings.log.log_events import get_logger

_log = get_logger("serve")
_LIMIT_S = 60.0  # as long as /health gives the parts to begin
_LOOK_EVERY_S = 1.0
_PATIENCE_S = 2.0  # a part that has just begun is asked again
_MOST_BYTES = 1 << 20  # /health says some hundred


def say_when_serving(settings: Settings, *, limit_s: float = _LIMIT_S) -> None:
    """Look until node and page answer, then say that Firstread serves.

    Parameters
    ----------
    limit_s : after so long it says which of them does not, and what to do; and looks further
    """
    site, ticket = ExaminedSite(settings), new_ticket()
    said_at = time.monotonic() + limit_s
    is_said = False
    try:
        while faults := tuple(faults_of(site, ticket)):
            if not is_said and time.monotonic() >= said_at:
                is_said = True
                _log.warning("not_serving", messages=faults)
                for fault in faults:
                    say_to_person(settings, f"! {fault}")
            time.sleep(_LOOK_EVERY_S)  # nobody tells us that a server is up
    finally:
        with contextlib.suppress(DatabaseUnavailable), transaction(site.engine) as session:
            stop_knocking(session, ticket)
    page = page_address(settings)
    _log.info("serving", ae_title=settings.ae_title, dicom_port=settings.dicom_port, worklist=page)
    say_to_person(
        settings,
        f"Serving: AE title {settings.ae_title} takes studies on port {settings.dicom_port}; "
        f"worklist page: {page}",
    )


def faults_of(site: ExaminedSite, ticket: str) -> Iterator[str]:
    """What does not answer, and what to do; nothing where everything does."""
    settings = site.settings
    try:
        with transaction(site.engine) as session:
            knock(session, ticket, site.clock())
    except DatabaseUnavailable as error:
        yield f"The database does not answer ({error.message})"
        return
    try:
        verify_peer(node_on("", settings), calling_ae_title=ticket, timeout_s=_PATIENCE_S)
    except FirstreadError as error:
        yield (
            f"The node takes no association on port {settings.dicom_port}: {error.message}. The "
            "lines of part node in the log say why, 'firstread doctor' what to do"
        )
    yield from _page_faults(settings)


def page_address(settings: Settings) -> str:
    """Where the page is, as this machine reaches it."""
    scheme = "https" if settings.worklist_network.certificate is not None else "http"
    host = ANY.get(settings.worklist_host, settings.worklist_host)
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}:{settings.worklist_port}/"


def _page_faults(settings: Settings) -> Iterator[str]:
    address = f"{page_address(settings)}health"
    # It is our own page: whether others trust its certificate is the doctor's question.
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    limits = AnswerLimits.of_all(_PATIENCE_S, _MOST_BYTES)
    try:
        with bounded_client(limits, trust=trust) as client:
            answer = client.get(address)
    except httpx.HTTPError as error:
        yield (
            f"The worklist page does not answer at {address} ({type(error).__name__}). The lines "
            "of part worklist in the log say why, 'firstread doctor' what to do"
        )
        return
    # Anything else is an answer too: a page for other names tells this one nothing.
    if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        told = answer.json()
        found = [one["message"] for one in told.get("problems", ()) if one["failing"]]
        yield from found or [f"The worklist page is {told['status']}: see {address}"]
