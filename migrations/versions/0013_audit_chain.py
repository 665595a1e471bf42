"""audit chain: each audit event holds the hash of the one before it; what was sent of them."""

from __future__ import annotations

import hashlib
import json
import secrets
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013_audit_chain"
down_revision = "0012_doctor"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_AT_A_TIME = 1000
_EVENTS = sa.table(
    "audit_event",
    sa.column("id", sa.BigInteger),
    sa.column("at", _MOMENT),
    sa.column("name", sa.String),
    sa.column("succeeded", sa.Boolean),
    sa.column("reader", sa.String),
    sa.column("role", sa.String),
    sa.column("address", sa.String),
    sa.column("study_instance_uid", sa.String),
    sa.column("patient_id", sa.String),
    sa.column("facts", sa.JSON),
    sa.column("salt", sa.String),
    sa.column("identifiers_sha256", sa.String),
    sa.column("previous_sha256", sa.String),
    sa.column("sha256", sa.String),
)
_HEAD = sa.table(
    "audit_head",
    sa.column("id", sa.Integer),
    sa.column("last_id", sa.BigInteger),
    sa.column("last_sha256", sa.String),
    sa.column("first_id", sa.BigInteger),
    sa.column("before_first_sha256", sa.String),
)


def upgrade() -> None:
    """The events that are there are the beginning of the chain, in the order of their numbers."""
    for name, length in (
        ("salt", 32),
        ("identifiers_sha256", 64),
        ("previous_sha256", 64),
        ("sha256", 64),
    ):
        op.add_column(
            "audit_event", sa.Column(name, sa.String(length), server_default="", nullable=False)
        )
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("last_sha256", sa.String(length=64), nullable=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("before_first_sha256", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    op.create_table(
        "audit_sending",
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.Column("sent_id", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", _MOMENT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error_kind", sa.String(length=64), server_default="", nullable=False),
        sa.Column("error_message", sa.Text(), server_default="", nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fencing_token", sa.Integer(), nullable=False),
        sa.Column("lease_until", _MOMENT, nullable=True),
        sa.Column("trace", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_sending"),
    )
    _seal(op.get_bind())


def _seal(connection: sa.Connection) -> None:
    previous, last, first = "0" * 64, 0, 1
    while True:
        rows = connection.execute(
            sa.select(_EVENTS).where(_EVENTS.c.id > last).order_by(_EVENTS.c.id).limit(_AT_A_TIME)
        ).all()
        if not rows:
            break
        if not last:
            first = rows[0].id
        sealed = []
        for row in rows:
            salt = secrets.token_hex(16)
            whom = _digest([salt, row.study_instance_uid, row.patient_id])
            this = _digest(["firstread-audit-1", previous, *_said(row), whom])
            sealed.append({"number": row.id, "s": salt, "w": whom, "p": previous, "h": this})
            previous, last = this, row.id
        connection.execute(
            sa.update(_EVENTS)
            .where(_EVENTS.c.id == sa.bindparam("number"))
            .values(
                salt=sa.bindparam("s"),
                identifiers_sha256=sa.bindparam("w"),
                previous_sha256=sa.bindparam("p"),
                sha256=sa.bindparam("h"),
            ),
            sealed,
        )
    connection.execute(
        sa.insert(_HEAD).values(
            id=1, last_id=last, last_sha256=previous, first_id=first, before_first_sha256="0" * 64
        )
    )


def _said(row: Any) -> list[Any]:
    at: datetime = row.at.replace(tzinfo=UTC) if row.at.tzinfo is None else row.at.astimezone(UTC)
    moment = at.isoformat(timespec="microseconds")
    return [row.id, moment, row.name, row.succeeded, row.reader, row.role, row.address, row.facts]


def _digest(parts: list[Any]) -> str:
    said = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(said.encode("ascii")).hexdigest()
