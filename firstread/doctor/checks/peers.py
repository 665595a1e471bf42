"""The peers: C-ECHO, and which of our objects a destination would take; nothing is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Final

from pydicom.uid import (
    UID,
    Comprehensive3DSRStorage,
    EncapsulatedPDFStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    KeyObjectSelectionDocumentStorage,
    RLELossless,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)

from dicom_node.presentation_contexts import LABEL_MAP_SEGMENTATION, STORAGE_COMMITMENT
from dicom_node.proposed_contexts import STUDY_ROOT_FIND, STUDY_ROOT_MOVE
from dicom_node.request.taken_contexts import taken_contexts
from dicom_node.request.verification import verify_peer
from dicom_node.request.web_read_back import web_clock
from firstread.doctor.examined_site import ExaminedSite
from firstread.doctor.line import DoctorLine, Sentence, broken, fine, reason_of, say, warning
from radiology.encoding_profile import SegmentationForm
from radiology.errors import FirstreadError, PeerBusy, PeerRefused
from radiology.outcome import Outcome
from settings.peers import Peer, PeerRole
from worker.encode.derived_object import EncodedKind
from worker.encode.recipes import recipes_of

Look = Callable[[ExaminedSite], Iterable[DoctorLine]]
_SENT: Final = {
    EncodedKind.SR: (Comprehensive3DSRStorage, ExplicitVRLittleEndian),
    EncodedKind.SC: (SecondaryCaptureImageStorage, ExplicitVRLittleEndian),
    EncodedKind.PDF: (EncapsulatedPDFStorage, ExplicitVRLittleEndian),
    EncodedKind.KO: (KeyObjectSelectionDocumentStorage, ExplicitVRLittleEndian),
}
_SEGMENTED: Final = {
    SegmentationForm.BINARY: (SegmentationStorage, ExplicitVRLittleEndian),
    SegmentationForm.LABELMAP_RLE: (LABEL_MAP_SEGMENTATION, RLELossless),
    SegmentationForm.LABELMAP_JPEG_LS: (LABEL_MAP_SEGMENTATION, JPEGLSLossless),
}


def sent_to(peer: Peer) -> dict[EncodedKind, tuple[UID, UID]]:
    """SOP class and transfer syntax of each kind of object that a destination may get."""
    recipes = recipes_of(peer.encoding, Outcome.FINDINGS, lesions_outlined=True, urgent=True)
    kinds = dict.fromkeys(recipe.kind for recipe in recipes)
    if peer.reject_superseded:
        kinds[EncodedKind.KO] = None
    return {
        kind: _SEGMENTED[peer.encoding.segmentation] if kind is EncodedKind.SEG else _SENT[kind]
        for kind in kinds
    }


def looks_at_peers(site: ExaminedSite) -> Iterator[tuple[str, Look]]:
    """A check for each peer that can be asked."""
    for peer in site.settings.peers:
        if peer.has_address or peer.stow_url is not None:
            yield peer.name, partial(_look_at_peer, peer)


def _look_at_peer(peer: Peer, site: ExaminedSite) -> Iterator[DoctorLine]:
    is_destination = PeerRole.DESTINATION in peer.roles
    if peer.stow_url is not None and is_destination:
        yield from _web(peer, site)
    if not peer.has_address:
        return
    try:
        verify_peer(peer, calling_ae_title=site.settings.ae_title, timeout_s=site.peer_s)
    except FirstreadError as error:
        yield _no_echo(peer, error, site)
        return
    yield fine("peer.echo", say("%(peer)s answers C-ECHO", peer=peer.name), of=peer.name)
    if is_destination and peer.stow_url is None:
        yield from _contexts(peer, site)
    if PeerRole.QUERY in peer.roles:
        yield from _services(
            peer, site, {"C-FIND": STUDY_ROOT_FIND, "C-MOVE": STUDY_ROOT_MOVE}, 'the role "query"'
        )
    if peer.storage_commitment:
        services = {"storage commitment": STORAGE_COMMITMENT}
        yield from _services(peer, site, services, "storage_commitment")


def _no_echo(peer: Peer, error: FirstreadError, site: ExaminedSite) -> DoctorLine:
    needed = bool({PeerRole.DESTINATION, PeerRole.QUERY} & peer.roles)
    said = say("%(peer)s: %(reason)s", peer=peer.name, reason=reason_of(error))
    if isinstance(error, PeerRefused):
        cure = say(
            "Let its administrator add AE title %(ours)s with this machine's address, and correct "
            "ae_title, host and port of [[peers]] %(peer)s where they differ from what it is set "
            "up with.",
            ours=site.settings.ae_title,
            peer=peer.name,
        )
    elif isinstance(error, PeerBusy):
        cure = say(
            "Run the doctor again later; if it stays so, let its administrator allow more "
            "associations."
        )
    elif peer.tls is not None:
        cure = say(
            "Does it run? Try 'openssl s_client -connect %(host)s:%(port)s' from this machine; "
            "compare its certificate with [peers.tls] (docs/tls.md).",
            host=peer.host or "",
            port=peer.port or 0,
        )
    else:
        cure = say(
            "Does it run, and is there a firewall between? Try 'nc -vz %(host)s %(port)s' from "
            "this machine; then correct host and port of [[peers]] %(peer)s.",
            host=peer.host or "",
            port=peer.port or 0,
            peer=peer.name,
        )
    return (broken if needed else warning)("peer.echo", said, cure, of=peer.name)


def _contexts(peer: Peer, site: ExaminedSite) -> Iterator[DoctorLine]:
    sent = sent_to(peer)
    plain = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
    wanted = [(str(cls), str(syntax)) for cls, own in sent.values() for syntax in (own, *plain)]
    try:
        taken = taken_contexts(
            peer, wanted, calling_ae_title=site.settings.ae_title, timeout_s=site.peer_s
        )
    except FirstreadError as error:
        yield _no_echo(peer, error, site)
        return
    for kind, (sop_class, syntax) in sent.items():
        name, of = "peer.takes", f"{peer.name} {kind}"
        facts = {"peer": peer.name, "kind": kind.value, "syntax": syntax.name}
        if (sop_class, syntax) in taken:
            yield fine(name, say("%(peer)s takes %(kind)s in %(syntax)s", **facts), of=of)
        elif any(one == sop_class for one, _ in taken):
            yield fine(
                name,
                say("%(peer)s takes %(kind)s uncompressed only: it is sent so", **facts),
                of=of,
            )
        else:
            yield broken(
                name,
                say("%(peer)s does not take %(kind)s", **facts),
                _enable(peer, kind, sop_class),
                of=of,
            )


def _enable(peer: Peer, kind: EncodedKind, sop_class: UID) -> Sentence:
    facts = {"name": sop_class.name, "uid": str(sop_class), "peer": peer.name}
    if kind is EncodedKind.SEG and sop_class == LABEL_MAP_SEGMENTATION:
        return say(
            'Enable storage of %(name)s (%(uid)s) there, or set segmentation = "binary" for peer '
            "%(peer)s.",
            **facts,
        )
    if kind in (EncodedKind.SEG, EncodedKind.SR):
        return say(
            'Enable storage of %(name)s (%(uid)s) there, or set profile = "legacy" for peer '
            "%(peer)s, which gets the picture alone.",
            **facts,
        )
    return say("Enable storage of %(name)s (%(uid)s) there.", **facts)


def _services(
    peer: Peer, site: ExaminedSite, services: Mapping[str, UID], wanted_by: str
) -> Iterator[DoctorLine]:
    wanted = [(str(uid), str(ImplicitVRLittleEndian)) for uid in services.values()]
    taken = taken_contexts(
        peer, wanted, calling_ae_title=site.settings.ae_title, timeout_s=site.peer_s
    )
    for service, uid in services.items():
        of = f"{peer.name} {service}"
        facts = {"peer": peer.name, "service": service, "setting": wanted_by}
        if any(one == uid for one, _ in taken):
            yield fine("peer.offers", say("%(peer)s offers %(service)s", **facts), of=of)
        else:
            yield broken(
                "peer.offers",
                say("%(peer)s does not offer %(service)s to us", **facts),
                say(
                    "Let its administrator allow it for us, or take %(setting)s away here.", **facts
                ),
                of=of,
            )


def _web(peer: Peer, site: ExaminedSite) -> Iterator[DoctorLine]:
    settings = site.settings
    try:
        web_clock(peer, settings.stow_secret(peer), timeout_s=site.peer_s)
    except FirstreadError as error:
        yield broken(
            "peer.web",
            say("%(peer)s: %(reason)s", peer=peer.name, reason=reason_of(error)),
            say(
                "Correct stow_url, stow_user and the secret of [[peers]] %(peer)s; its issuer "
                "stands in stow_ca_file. Try the address with 'curl -v' from this machine.",
                peer=peer.name,
            ),
            of=peer.name,
        )
        return
    yield fine(
        "peer.web",
        say(
            "%(peer)s answers by DICOMweb; what it takes only the phantom can tell", peer=peer.name
        ),
        of=peer.name,
    )
