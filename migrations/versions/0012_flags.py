"""flags, the notices about them, each attempt at telling; first looks at waiting jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("job", sa.Column("looked_at", _MOMENT, nullable=True))
    op.create_table(
        "flag",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("flag_uid", sa.String(length=64), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("result_id", sa.Integer(), nullable=False),
        sa.Column("urgency", sa.String(length=32), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("raised_at", _MOMENT, nullable=False),
        sa.Column("escalation", sa.Integer(), nullable=False),
        sa.Column("escalate_at", _MOMENT, nullable=True),
        sa.Column("acknowledged_at", _MOMENT, nullable=True),
        sa.Column("acknowledged_by", sa.String(length=64), nullable=False),
        sa.Column("acknowledged_through", sa.String(length=64), nullable=False),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_flag_study_id")),
        sa.ForeignKeyConstraint(["result_id"], ["result.id"], name=op.f("fk_flag_result_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flag")),
        sa.UniqueConstraint("flag_uid", name=op.f("uq_flag_flag_uid")),
        sa.UniqueConstraint("study_id", name=op.f("uq_flag_study_id")),
    )
    op.create_index("ix_flag_state", "flag", ["state", "urgency"], unique=False)
    op.create_index("ix_flag_escalate_at", "flag", ["escalate_at"], unique=False)
    op.create_table(
        "flag_notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("notice_uid", sa.String(length=64), nullable=False),
        sa.Column("flag_id", sa.Integer(), nullable=False),
        sa.Column("result_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("keeps_state", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("maybe_told", sa.Boolean(), nullable=False),
        sa.Column("fencing_token", sa.Integer(), nullable=False),
        sa.Column("lease_until", _MOMENT, nullable=True),
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.Column("reference", sa.String(length=256), nullable=False),
        sa.Column("error_kind", sa.String(length=64), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["flag_id"], ["flag.id"], name=op.f("fk_flag_notice_flag_id")),
        sa.ForeignKeyConstraint(
            ["result_id"], ["result.id"], name=op.f("fk_flag_notice_result_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flag_notice")),
        sa.UniqueConstraint("notice_uid", name=op.f("uq_flag_notice_notice_uid")),
    )
    op.create_index("ix_flag_notice_queue", "flag_notice", ["state", "channel", "id"], unique=False)
    op.create_index("ix_flag_notice_flag_id", "flag_notice", ["flag_id"], unique=False)
    op.create_table(
        "flag_attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("began_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("error_kind", sa.String(length=64), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["flag_notice.id"], name=op.f("fk_flag_attempt_notice_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flag_attempt")),
    )
    op.create_index("ix_flag_attempt_notice_id", "flag_attempt", ["notice_id"], unique=False)


def downgrade() -> None:
    op.drop_table("flag_attempt")
    op.drop_table("flag_notice")
    op.drop_table("flag")
    op.drop_column("job", "looked_at")
