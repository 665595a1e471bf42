"""The whole path: a phantom is sent, read, delivered, read back and removed again.

Nobody is told of it: what comes from the doctor is neither listed nor flagged
(`database.doctor.ticket`); the flag receivers are tried by notices that are marked as tests.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from database.accounts.audit import Actor
from database.doctor.phantoms import (
    PhantomDelivery,
    PhantomJob,
    is_here,
    left_phantoms,
    phantom_deliveries,
    phantom_jobs,
)
from database.forget.named import to_forget
from database.jobs.requeue import waiting_jobs
from database.session import query
from database.states import JobState
from dicom_node.request.c_store import error_of_answers, send_instances
from firstread.doctor.examined_site import ExaminedSite
from firstread.doctor.line import DoctorLine, Fact, Sentence, broken, fine, reason_of, say, warning
from firstread.doctor.path.given_back import look_at_objects
from firstread.doctor.path.our_node import our_node
from firstread.doctor.path.phantom_study import PhantomStudy, write_test_study
from radiology.errors import FirstreadError, NotForgotten
from worker.forget.forget import forget

REMOVING_S: Final = 180.0
"""How long reading back and removing may take after the phantom's own limit."""

_LOOK_EVERY_S: Final = 0.5
_STORE_S: Final = 30.0
_WORK_S: Final = 60.0  # how long is waited for a worker that has the phantom in hand
_SILENT_ENDS: Final = (JobState.NOT_APPLICABLE, JobState.SHADOWED, JobState.NOT_WANTED)
_LOG: Final = say(
    "'firstread jobs' and the log say where it stopped; what is broken above comes first."
)

T = TypeVar("T")


def look_at_path(site: ExaminedSite) -> Iterator[DoctorLine]:
    """Send a phantom, follow it, read it back, and remove it in any case."""
    with query(site.engine) as session:
        left = left_phantoms(session, site.clock())
    for uid in left:  # of a run that was broken off
        yield from _remove(site, uid)
    with tempfile.TemporaryDirectory(prefix="firstread-doctor-") as folder:
        moment = site.clock().astimezone(site.settings.zone).replace(tzinfo=None)
        study = write_test_study(site.settings, Path(folder), moment)
        sent = _send(site, study)
        yield sent
    try:
        if sent.cure is None:
            yield from _follow(site, study)
    except FirstreadError as error:
        yield broken(
            "path",
            say("The phantom cannot be followed any further: %(reason)s", reason=reason_of(error)),
            _LOG,
        )
    yield from _remove(site, study.study_instance_uid)


def _send(site: ExaminedSite, study: PhantomStudy) -> DoctorLine:
    name = "path.sent"
    try:
        answers = send_instances(
            study.paths, our_node(site), calling_ae_title=site.ticket, timeout_s=_STORE_S
        )
        error = error_of_answers(answers)
    except FirstreadError as fault:
        error = fault
    if error is None:
        return fine(
            name,
            say(
                "A phantom of %(count)s images was sent to our node, as patient %(patient)s",
                count=len(study.paths),
                patient=study.patient_id,
            ),
        )
    return broken(
        name,
        say("Our own node did not take the phantom: %(reason)s", reason=reason_of(error)),
        say(
            'Look at the line of the part "node" and of the ports above, then at the node\'s log: '
            "association_rejected and instance_not_stored say why."
        ),
    )


def _follow(site: ExaminedSite, study: PhantomStudy) -> Iterator[DoctorLine]:
    uid, ends_at = study.study_instance_uid, time.monotonic() + site.phantom_limit_s
    jobs = _wait(
        lambda: _jobs(site, uid),
        lambda found: bool(found) and all(one.is_over for one in found),
        ends_at,
    )
    if not jobs:
        yield broken(
            "path.read",
            say(
                "The phantom was not assembled within %(limit)s s",
                limit=round(site.phantom_limit_s),
            ),
            say(
                "The sweep does that: are beat, the broker and the housekeeping worker well above? "
                "Restart the one that is not."
            ),
        )
        return
    for job in jobs:
        yield _read(site, job)
    if not any(job.objects for job in jobs):
        yield warning(
            "path.not-checked",
            say("No bundle has answered for the phantom: nothing could be sent and read back"),
            say(
                "Where a line above is broken, mend that first. Otherwise no bundle in use reads a "
                "chest or a head; send a study of your own kind and look at it in PACS."
            ),
        )
        return
    if not site.settings.destinations:
        return
    deliveries = _wait(
        lambda: _deliveries(site, uid), lambda found: all(one.is_over for one in found), ends_at
    )
    for delivery in deliveries:
        yield from _delivered(delivery)
        stored = [one for one in delivery.objects if one.is_stored]
        if stored:
            yield from look_at_objects(site, uid, delivery.destination, stored)


def _jobs(site: ExaminedSite, uid: str) -> tuple[PhantomJob, ...]:
    with query(site.engine) as session:
        return phantom_jobs(session, uid)


def _deliveries(site: ExaminedSite, uid: str) -> tuple[PhantomDelivery, ...]:
    with query(site.engine) as session:
        return phantom_deliveries(session, uid)


def _wait(look: Callable[[], T], done: Callable[[T], bool], ends_at: float) -> T:
    """Look until it is done or the limit has passed; what was seen last."""
    while True:
        found = look()
        if done(found) or time.monotonic() >= ends_at:
            return found
        time.sleep(_LOOK_EVERY_S)  # rows wake nobody


def _read(site: ExaminedSite, job: PhantomJob) -> DoctorLine:
    name, of = "path.read", job.bundle
    facts: dict[str, Fact] = {"bundle": job.bundle, "limit": round(site.phantom_limit_s)}
    if job.objects:
        return fine(
            name,
            say("%(bundle)s has read it: %(count)s objects", count=job.objects, **facts),
            of=of,
        )
    if job.state in _SILENT_ENDS:
        return fine(name, say("%(bundle)s says nothing of it, as it should", **facts), of=of)
    reason = f"{job.error_kind}: {job.error_message}" if job.error_kind else job.state.value
    if job.is_over:
        return broken(
            name,
            say("%(bundle)s gave no answer: %(reason)s", bundle=job.bundle, reason=reason),
            say(
                "Look at the line of this bundle above, and at the log of the analysis worker. "
                "docs/errors.md says what the kind of error means."
            ),
            of=of,
        )
    with query(site.engine) as session:
        others = waiting_jobs(session)
    if others > 1 and not job.error_kind:
        return warning(
            name,
            say(
                "%(bundle)s has not read it within %(limit)s s: %(others)s studies wait, and go "
                "before a phantom",
                others=others,
                **facts,
            ),
            say("Run the doctor again when fewer wait, or with a higher --phantom-limit."),
            of=of,
        )
    return broken(
        name,
        say("%(bundle)s has not read it within %(limit)s s (%(reason)s)", reason=reason, **facts),
        say(
            "Does the analysis worker give signs above? Its log says what it does; a slow machine "
            "needs a higher --phantom-limit."
        ),
        of=of,
    )


def _delivered(delivery: PhantomDelivery) -> Iterator[DoctorLine]:
    name, of = "path.delivered", delivery.destination
    refused = [one for one in delivery.objects if not one.is_stored and one.reason]
    kinds = ", ".join(one.kind for one in delivery.objects if one.is_stored)
    for one in refused:
        yield broken(
            name,
            say(
                "%(peer)s did not store %(kind)s: %(reason)s",
                peer=of,
                kind=one.kind,
                reason=one.reason,
            ),
            say(
                "Do what the message says there; the lines of this peer above say what it takes. "
                'Results of studies are "stored in part" until then.'
            ),
            of=f"{of} {one.kind}",
        )
    if kinds:
        yield fine(name, say("%(peer)s has stored %(kinds)s", peer=of, kinds=kinds), of=of)
    elif not refused:
        reason = delivery.error_message or delivery.state.value
        yield broken(
            name,
            say("%(peer)s has not got the results: %(reason)s", peer=of, reason=reason),
            _delivery_cure(delivery),
            of=of,
        )


def _delivery_cure(delivery: PhantomDelivery) -> Sentence:
    if delivery.error_kind:
        return say("Look at the line of this peer above: its cure is the one of this line too.")
    return say("Does the delivery worker give signs above? Its log says what it does.")


def _remove(site: ExaminedSite, uid: str) -> Iterator[DoctorLine]:
    name = "path.removed"
    with query(site.engine) as session:
        if not is_here(session, uid):
            return
        what = to_forget(session, f"study:{uid}", issuer=None)
    cure = say(
        "'firstread forget study:%(uid)s --yes' removes it; the doctor tries it again too.", uid=uid
    )
    try:
        gone = forget(
            site.settings,
            site.engine,
            site.clock,
            what,
            Actor("firstread doctor", "administrator", "command line"),
            wait_s=_WORK_S,
            thorough=False,
        )
    except NotForgotten as error:
        yield warning(
            name, say("The phantom is not removed yet: %(reason)s", reason=reason_of(error)), cure
        )
        return
    if not gone.is_proved:
        yield warning(name, say("Something of the phantom is left here"), cure)
        return
    yield fine(
        name, say("The phantom is removed from Firstread: %(files)s files", files=gone.files)
    )
    holders = dict.fromkeys(one.holder for one in gone.held_elsewhere)
    for holder in holders:
        kinds = [one.what.partition(" ")[0] for one in gone.held_elsewhere if one.holder == holder]
        yield fine(
            "path.left",
            say(
                "%(peer)s still has %(kinds)s of study %(uid)s: delete them there if they disturb",
                peer=holder,
                kinds=", ".join(kinds),
                uid=uid,
            ),
            of=holder,
        )
