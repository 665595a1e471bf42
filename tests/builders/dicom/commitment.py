"""A site whose destinations commit what they store, and what its deliveries have come to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select

from database.session import query
from database.tables.study.analysis import Event
from settings.peers import Peer, PeerRole
from tests.builders.stored.results import Moment, Site
from tests.unit.dicom_node.running_node import SCANNER, RunningNode, running_node


def destination(name: str, ae_title: str, port: int, **more: object) -> Peer:
    """A destination on this machine that commits."""
    return Peer.model_validate(
        {
            "name": name,
            "ae_title": ae_title,
            "host": "127.0.0.1",
            "port": port,
            "roles": [PeerRole.DESTINATION],
            "storage_commitment": True,
            **more,
        }
    )


@contextmanager
def site_with(
    folder: Path, *destinations: Peer, sources: tuple[Peer, ...] = (SCANNER,), **changes: Any
) -> Iterator[tuple[Site, RunningNode]]:
    """A running node, and a site whose results go to these destinations."""
    moment = Moment()
    peers = (*sources, *destinations)
    with running_node(folder, clock=moment, peers=peers, **changes) as node:
        yield Site(node.settings, node.engine, moment), node


def states(site: Site) -> list[str]:
    """The states of the deliveries."""
    return [one.state.value for one in site.deliveries()]


def event_names(site: Site) -> list[str]:
    """What happened, in its order."""
    with query(site.engine) as session:
        return list(session.scalars(select(Event.name).order_by(Event.id)))
