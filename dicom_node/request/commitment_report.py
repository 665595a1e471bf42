"""EVT_N_EVENT_REPORT: takes a peer's answer on storage commitment on a separate association.

PS3.4 Section J.3.3. A report counts only if it comes from the peer that was asked, for a
transaction that we opened, and about exactly the instances that were asked about. Any other report
is answered with a status and recorded as an event, and changes nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import cast

from pynetdicom.events import Event

from database.deliveries.commitments import CommitmentReport, Reported, record_report
from database.session import Engine, transaction
from dicom_node.guard.accepted_association import AcceptedAssociation
from dicom_node.request.storage_commitment import answer_report
from settings.environment import Settings


class ReportReceiver:
    """Takes what peers report.

    Parameters
    ----------
    settings : the destinations
    engine : of the database
    clock : gives the moment of arrival
    """

    def __init__(self, settings: Settings, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._engine = engine
        self._clock = clock

    def handle_report(self, event: Event) -> tuple[int, None]:
        """Answer an N-EVENT-REPORT request with a status."""
        association = cast("AcceptedAssociation", event.assoc)

        def record(report: CommitmentReport) -> Reported:
            with transaction(self._engine) as session:
                return record_report(
                    session,
                    report,
                    self._clock(),
                    destinations=self._names_of(association),
                    association_id=association.association_id,
                    calling_ae_title=association.calling_ae_title,
                )

        return answer_report(event, record, association.facts()), None

    def _names_of(self, association: AcceptedAssociation) -> frozenset[str]:
        """The destinations that the caller is: none for a stranger whom `accept_any_peer` let in.

        One PACS may stand in the settings twice, as a source and as a destination.
        """
        if association.peer is None:
            return frozenset()
        title = association.peer.ae_title
        return frozenset(peer.name for peer in self._settings.committing if peer.ae_title == title)
