"""what was said by HL7 of patients and studies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def _expiring(name: str, *columns: sa.Column, unique: tuple[str, ...]) -> None:
    constraint = sa.UniqueConstraint(*unique, name=op.f(f"uq_{name}_{'_'.join(unique)}"))
    op.create_table(
        name,
        sa.Column("id", sa.Integer(), nullable=False),
        *columns,
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        constraint,
    )
    op.create_index(op.f(f"ix_{name}_expires_at"), name, ["expires_at"], unique=False)


def upgrade() -> None:
    _expiring(
        "received_message",
        sa.Column("sender", sa.String(length=200), nullable=False),
        sa.Column("control_id", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        unique=("sender", "control_id", "sha256"),
    )
    _expiring(
        "imaging_order",
        sa.Column("accession_number", sa.String(length=64), nullable=False),
        sa.Column("patient_id", sa.String(length=64), nullable=False),
        sa.Column("priority", sa.String(length=32), nullable=True),
        sa.Column("patient_class", sa.String(length=8), nullable=False),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.Column("said_at", _MOMENT, nullable=False),
        unique=("accession_number",),
    )
    _expiring(
        "patient_visit",
        sa.Column("patient_id", sa.String(length=64), nullable=False),
        sa.Column("patient_class", sa.String(length=8), nullable=False),
        sa.Column("location", sa.String(length=64), nullable=False),
        sa.Column("priority", sa.String(length=32), nullable=True),
        sa.Column("said_at", _MOMENT, nullable=False),
        unique=("patient_id",),
    )
    _expiring(
        "received_value",
        sa.Column("patient_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("observed_at", _MOMENT, nullable=False),
        sa.Column("valid_from", _MOMENT, nullable=False),
        sa.Column("valid_until", _MOMENT, nullable=False),
        unique=("patient_id", "name", "observed_at"),
    )
    _expiring(
        "study_report",
        sa.Column("accession_number", sa.String(length=64), nullable=False),
        sa.Column("patient_id", sa.String(length=64), nullable=False),
        sa.Column("reported_by", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("reported_at", _MOMENT, nullable=False),
        unique=("accession_number",),
    )


def downgrade() -> None:
    for name in (
        "study_report",
        "received_value",
        "patient_visit",
        "imaging_order",
        "received_message",
    ):
        op.drop_index(op.f(f"ix_{name}_expires_at"), table_name=name)
        op.drop_table(name)
