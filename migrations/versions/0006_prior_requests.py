"""requests to a peer for the earlier studies of a patient."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "prior_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("peer", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("fencing_token", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_kind", sa.String(length=64), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_prior_request_study_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prior_request")),
        sa.UniqueConstraint("study_id", "peer", name=op.f("uq_prior_request_study_id_peer")),
    )
    op.create_index("ix_prior_request_queue", "prior_request", ["state", "due_at"], unique=False)
    op.create_table(
        "requested_prior",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("prior_request_id", sa.Integer(), nullable=False),
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("retrieved_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["prior_request_id"],
            ["prior_request.id"],
            name=op.f("fk_requested_prior_prior_request_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requested_prior")),
        sa.UniqueConstraint(
            "prior_request_id",
            "study_instance_uid",
            name=op.f("uq_requested_prior_prior_request_id_study_instance_uid"),
        ),
    )


def downgrade() -> None:
    op.drop_table("requested_prior")
    op.drop_index("ix_prior_request_queue", table_name="prior_request")
    op.drop_table("prior_request")
