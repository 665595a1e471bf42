"""What the running configuration makes of all that: titles, ports, peers, what is in use."""

from __future__ import annotations

from firstread.conformance.markdown_table import NONE, table, value
from settings.environment import Settings
from settings.flags import Hl7Channel, WorkItemChannel, WorkItemWebChannel
from settings.peers import Peer, PeerRole

_YES, _NO = "yes", "no"


def services(settings: Settings) -> str:
    """Every service, our role in it, and whether this configuration uses it."""
    kinds = {type(one) for one in settings.flags}
    by_stow = any(peer.stow_url is not None for peer in settings.destinations)
    by_dimse = any(peer.stow_url is None for peer in settings.destinations)
    hl7 = Hl7Channel in kinds or settings.hl7_listener is not None
    ups = WorkItemChannel in kinds
    rows = [
        ("Verification", "yes", "yes", _YES),
        ("Storage of CT", "", "yes, kept and analysed", _YES),
        (
            "Storage of what commonly comes with a CT (reports, key images, presentation states, "
            "segmentations, our own results)",
            "yes, our results",
            "answered with success, not kept",
            "yes" if by_dimse else "as SCP",
        ),
        ("Storage of other modalities", "", "answered with a warning, not kept", _YES),
        (
            "Storage Commitment, Push Model",
            "yes, where a destination has `storage_commitment`",
            "",
            _word(bool(settings.committing)),
        ),
        (
            "Study Root Query/Retrieve, FIND and MOVE",
            "yes, where a peer has the role `query`; with GET by the doctor",
            "",
            _word(bool(settings.queried)),
        ),
        (
            "HL7 v2.5.1 over MLLP",
            "ORU^R01, where a flag channel is of kind `hl7`",
            "ORM^O01, OMI^O23, ADT, ORU^R01, where `hl7_listener` is set: [hl7](hl7.md)",
            _word(hl7),
        ),
        (
            "STOW-RS (PS3.18 Section 10.5)",
            "yes (user agent), where a destination has `stow_url`",
            "yes (origin server), as Storage",
            "yes" if by_stow else "as origin server",
        ),
        (
            "QIDO-RS, WADO-RS (PS3.18 Sections 10.6, 10.4)",
            "",
            "yes (origin server): [DICOMweb](dicomweb.md)",
            _YES,
        ),
        (
            "Unified Procedure Step: Push",
            "yes, where a flag channel is of kind `work-item`",
            "",
            _word(ups),
        ),
        (
            "Unified Procedure Step: Pull, Watch, Query",
            "yes, Pull and Watch, for the same work items",
            "yes, for peers with the role `worklist-client`",
            _word(ups or bool(settings.worklist_clients)),
        ),
        (
            "Unified Procedure Step: Event",
            "",
            "yes, to subscribers",
            _word(bool(settings.worklist_clients)),
        ),
        (
            "UPS-RS (PS3.18 Section 11)",
            "yes (user agent), where a flag channel is of kind `work-item-web`",
            "",
            _word(WorkItemWebChannel in kinds),
        ),
    ]
    return table(("service", "SCU", "SCP", "in use here"), rows)


def _word(used: bool) -> str:
    return _YES if used else _NO


def installation(settings: Settings) -> str:
    """Titles, ports and limits in force."""
    tls = settings.dicom_tls
    ways = [f"{settings.dicom_port}, {'TLS' if tls else 'in clear'}"]
    if tls is not None and tls.plain_port is not None:
        ways.append(f"{tls.plain_port}, in clear")
    listener = settings.hl7_listener
    rows = [
        ("AE title, called and calling", value(settings.ae_title)),
        ("DICOM port", "; ".join(ways)),
        ("secure transport profile", value(tls.profile.value) if tls else "none"),
        ("associations at a time", str(settings.max_associations)),
        ("idle associations end after", f"{settings.association_idle_s:g} s"),
        ("largest instance", f"{settings.max_instance_bytes} bytes"),
        ("callers that are not peers", "accepted" if settings.accept_any_peer else "rejected"),
        ("language of pictures", value(settings.language.value)),
        (
            "HL7 port",
            f"{listener.port}, {'TLS' if listener.tls else 'in clear'}" if listener else "none",
        ),
    ]
    return table(("what", "here"), rows)


def peers(settings: Settings) -> str:
    """Every peer, and what a destination gets."""
    if not settings.peers:
        return "No peer is configured: nobody may call, and nothing is sent."
    rows = [
        (
            value(peer.name),
            value(peer.ae_title),
            value(peer.address) if peer.address else "any",
            ", ".join(sorted(role.value for role in peer.roles)),
            _secured(peer),
            _gets(peer),
        )
        for peer in settings.peers
    ]
    return table(("peer", "AE title", "address", "roles", "transport", "gets"), rows)


def _secured(peer: Peer) -> str:
    if peer.stow_url is not None:
        return peer.stow_url.scheme
    return "TLS" if peer.tls is not None else "in clear"


def _gets(peer: Peer) -> str:
    """What is sent there, in the words of the settings."""
    if PeerRole.DESTINATION not in peer.roles:
        return NONE
    choice = peer.encoding
    said = [
        f"profile {value(choice.profile.value)}",
        f"segmentation {value(choice.segmentation.value)}",
    ]
    said += ["PDF"] * choice.encapsulated_pdf + ["storage commitment"] * peer.storage_commitment
    return ", ".join(said)
