"""work items, who watches them, and what they are to be told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "work_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sop_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("priority", sa.String(length=32), nullable=False),
        sa.Column("readiness", sa.String(length=32), nullable=False),
        sa.Column("transaction_uid", sa.String(length=64), nullable=False),
        sa.Column("claimed_by", sa.String(length=16), nullable=False),
        sa.Column("scheduled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("performed", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_work_item_study_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_item")),
        sa.UniqueConstraint("sop_instance_uid", name=op.f("uq_work_item_sop_instance_uid")),
        sa.UniqueConstraint("study_id", "number", name=op.f("uq_work_item_study_id_number")),
    )
    op.create_index("ix_work_item_list", "work_item", ["state", "scheduled_at", "id"], unique=False)
    op.create_table(
        "work_item_subscription",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("receiving_ae_title", sa.String(length=16), nullable=False),
        sa.Column("subject_uid", sa.String(length=64), nullable=False),
        sa.Column("subscribed", sa.Boolean(), nullable=False),
        sa.Column("deletion_lock", sa.Boolean(), nullable=False),
        sa.Column("subscribed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_item_subscription")),
        sa.UniqueConstraint(
            "receiving_ae_title",
            "subject_uid",
            name=op.f("uq_work_item_subscription_receiving_ae_title_subject_uid"),
        ),
    )
    op.create_index(
        op.f("ix_work_item_subscription_subject_uid"),
        "work_item_subscription",
        ["subject_uid"],
        unique=False,
    )
    op.create_table(
        "work_item_notification",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("receiving_ae_title", sa.String(length=16), nullable=False),
        sa.Column("work_item_id", sa.Integer(), nullable=False),
        sa.Column("event_type", sa.Integer(), nullable=False),
        sa.Column("information", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("fencing_token", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_kind", sa.String(length=64), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["work_item_id"],
            ["work_item.id"],
            name=op.f("fk_work_item_notification_work_item_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_item_notification")),
    )
    op.create_index(
        op.f("ix_work_item_notification_work_item_id"),
        "work_item_notification",
        ["work_item_id"],
        unique=False,
    )
    op.create_index(
        "ix_work_item_notification_queue",
        "work_item_notification",
        ["state", "receiving_ae_title", "id"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index("ix_work_item_notification_queue", table_name="work_item_notification")
    op.drop_index(
        op.f("ix_work_item_notification_work_item_id"), table_name="work_item_notification"
    )
    op.drop_table("work_item_notification")
    op.drop_index(
        op.f("ix_work_item_subscription_subject_uid"), table_name="work_item_subscription"
    )
    op.drop_table("work_item_subscription")
    op.drop_index("ix_work_item_list", table_name="work_item")
    op.drop_table("work_item")
