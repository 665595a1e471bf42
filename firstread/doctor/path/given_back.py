"""Whether a destination has our objects, and gives them back as they were sent, bit for bit."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydicom.filereader import read_file_meta_info

from database.doctor.phantoms import PhantomObject
from dicom_node.request.read_back import SentObject, read_back
from dicom_node.request.web_read_back import web_read_back
from firstread.doctor.examined_site import ExaminedSite
from firstread.doctor.line import DoctorLine, broken, fine, reason_of, say, warning
from firstread.doctor.path.compare import Difference, compare_objects
from radiology.errors import FirstreadError
from settings.peers import Peer
from storage.kept_files import kept_files

_RETRIEVAL_S: Final = 20.0
_TRIES: Final = 4  # some PACS list an object some seconds after they have stored it
_PAUSE_S: Final = 2.0


@dataclass(frozen=True)
class _Given:
    """What a destination offers and gave: by DIMSE or by DICOMweb.

    Attributes
    ----------
    by : the services that were used, for a person
    found : SOP Instance UIDs that it names; None where it offers no search to us
    got : files by SOP Instance UID; None where it offers none to us
    moved : what it says that it sent to our node by C-MOVE
    said : why something did not come
    """

    by: str
    found: frozenset[str] | None
    got: dict[str, bytes] | None
    moved: frozenset[str] = frozenset()
    said: str = ""


def look_at_objects(
    site: ExaminedSite, uid: str, destination: str, stored: Sequence[PhantomObject]
) -> Iterator[DoctorLine]:
    """Ask for each object that the destination has stored, and compare it.

    Parameters
    ----------
    uid : Study Instance UID
    """
    peer = next(one for one in site.settings.destinations if one.name == destination)
    try:
        given = _ask_until_found(site, peer, uid, stored)
    except FirstreadError as error:
        yield warning(
            "path.read-back",
            say(
                "%(peer)s has stored them; they could not be read back: %(reason)s",
                peer=peer.name,
                reason=reason_of(error),
            ),
            say("Let its administrator allow C-FIND and C-GET (or QIDO-RS and WADO-RS) for us."),
            of=peer.name,
        )
        return
    yield from _found(peer, given, stored)
    yield from _compared(site, peer, given, stored)


def _ask_until_found(
    site: ExaminedSite, peer: Peer, uid: str, stored: Sequence[PhantomObject]
) -> _Given:
    wanted = [
        SentObject(
            uid,
            one.series_instance_uid,
            one.sop_instance_uid,
            one.sop_class_uid,
            str(read_file_meta_info(_place_of(site, one)).TransferSyntaxUID),
        )
        for one in stored
    ]
    uids = {one.sop_instance_uid for one in stored}
    for number in range(_TRIES):
        given = _ask(site, peer, wanted)
        missing = given.found is not None and not uids <= given.found
        missing |= given.got is not None and not uids <= set(given.got)
        if not missing or number == _TRIES - 1:
            break
        time.sleep(_PAUSE_S)  # a PACS tells nobody that it has done with an object
    return given


def _place_of(site: ExaminedSite, one: PhantomObject) -> Path:
    return kept_files(site.settings).fetch(site.settings.results_folder / one.path)


def _ask(site: ExaminedSite, peer: Peer, wanted: Sequence[SentObject]) -> _Given:
    settings = site.settings
    if peer.stow_url is not None:
        web = web_read_back(peer, wanted, settings.stow_secret(peer), timeout_s=_RETRIEVAL_S)
        return _Given(
            "QIDO-RS, WADO-RS",
            web.found if web.finds else None,
            web.got if web.gets else None,
        )
    title = settings.ae_title
    with _awaited(settings.doctor_folder / wanted[0].study_instance_uid) as folder:
        back = read_back(peer, wanted, calling_ae_title=title, timeout_s=_RETRIEVAL_S)
        came = {path.stem: path.read_bytes() for path in folder.glob("*.dcm")}
    return _Given(
        "C-FIND, C-GET" if back.gets else "C-FIND, C-MOVE",
        back.found if back.finds else None,
        back.got if back.gets else came or None,
        back.moved,
        back.said,
    )


@contextlib.contextmanager
def _awaited(folder: Path) -> Iterator[Path]:
    """A folder that our node puts into what comes of a study (`dicom_node.receive.wanted_back`)."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # another run may wait there
            folder.parent.rmdir()


def _found(peer: Peer, given: _Given, stored: Sequence[PhantomObject]) -> Iterator[DoctorLine]:
    name = "path.found"
    if given.found is None:
        yield warning(
            name,
            say(
                "%(peer)s does not let us search: whether it lists our objects is not checked",
                peer=peer.name,
            ),
            say("Let its administrator allow C-FIND (or QIDO-RS) for our AE title."),
            of=peer.name,
        )
        return
    lost = [one.kind for one in stored if one.sop_instance_uid not in given.found]
    if lost:
        yield broken(
            name,
            say(
                "%(peer)s has answered that it stored %(kinds)s, and does not list it",
                peer=peer.name,
                kinds=", ".join(lost),
            ),
            say(
                "Look into its import queue and its list of objects that were set aside: "
                "usually it holds them back until it knows the patient or the order."
            ),
            of=peer.name,
        )


def _compared(
    site: ExaminedSite, peer: Peer, given: _Given, stored: Sequence[PhantomObject]
) -> Iterator[DoctorLine]:
    name = "path.read-back"
    if given.got is None:
        yield _not_compared(peer, given)
        return
    same = 0
    for one in stored:
        of, facts = f"{peer.name} {one.kind}", {"peer": peer.name, "kind": one.kind}
        content = given.got.get(one.sop_instance_uid)
        if content is None:
            yield broken(
                name,
                say(
                    "%(peer)s does not give %(kind)s back: %(reason)s",
                    reason=given.said or "nothing came",
                    **facts,
                ),
                say("Open it in a viewer of the PACS; its log says why it is not given out."),
                of=of,
            )
            continue
        try:
            found = compare_objects(_place_of(site, one), content)
        except ValueError as error:
            yield broken(
                name,
                say(
                    "What %(peer)s gives back for %(kind)s is damaged: %(reason)s",
                    reason=str(error),
                    **facts,
                ),
                say("Look whether it compresses or changes objects when it stores or sends them."),
                of=of,
            )
            continue
        line = _difference(found, of, facts)
        same += line is None
        if line is not None:
            yield line
    if same:
        yield fine(
            name,
            say(
                "%(peer)s gives %(count)s objects back bit for bit (%(by)s)",
                peer=peer.name,
                count=same,
                by=given.by,
            ),
            of=peer.name,
        )


def _difference(found: Difference, of: str, facts: dict[str, str]) -> DoctorLine | None:
    name = "path.read-back"
    if found.is_harmful:
        changed = ", ".join(("PixelData",) * found.pixels + found.content)
        return broken(
            name,
            say(
                "%(peer)s gives another %(kind)s back than it was sent: %(changed)s",
                changed=changed,
                **facts,
            ),
            say(
                "Switch off what changes our objects there: lossy compression, rules that edit "
                "attributes, anonymisation. Do not read by what it shows until then."
            ),
            of=of,
        )
    if found.reconciled:
        return warning(
            name,
            say(
                "%(peer)s has changed attributes of patient or order in %(kind)s: %(changed)s",
                changed=", ".join(found.reconciled),
                **facts,
            ),
            say("Is a rule there that edits names or numbers meant to touch our results too?"),
            of=of,
        )
    return None


def _not_compared(peer: Peer, given: _Given) -> DoctorLine:
    cure = say(
        "Let its administrator allow C-GET (or WADO-RS) for our AE title, or compare one object by "
        "hand in a viewer."
    )
    if given.moved:
        return warning(
            "path.read-back",
            say(
                "%(peer)s says that it sent %(count)s objects to our node by C-MOVE; they did not "
                "come, and their bytes were not compared",
                peer=peer.name,
                count=len(given.moved),
            ),
            cure,
            of=peer.name,
        )
    return warning(
        "path.read-back",
        say("%(peer)s gives nothing back to us: the bytes were not compared", peer=peer.name),
        cure,
        of=peer.name,
    )
