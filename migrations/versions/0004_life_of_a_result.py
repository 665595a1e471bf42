"""storage commitment, what each destination took, withdrawn results.

Every new column of an old table has a default in the database, so that workers of the previous
version can go on until they are replaced.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "storage_commitment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("transaction_uid", sa.String(length=64), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["delivery.id"], name=op.f("fk_storage_commitment_delivery_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_storage_commitment")),
        sa.UniqueConstraint("transaction_uid", name=op.f("uq_storage_commitment_transaction_uid")),
    )
    op.create_index(
        op.f("ix_storage_commitment_delivery_id"), "storage_commitment", ["delivery_id"]
    )
    op.create_table(
        "commitment_object",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("commitment_id", sa.Integer(), nullable=False),
        sa.Column("delivered_object_id", sa.Integer(), nullable=False),
        sa.Column("committed", sa.Boolean(), nullable=True),
        sa.Column("failure_reason", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["commitment_id"],
            ["storage_commitment.id"],
            name=op.f("fk_commitment_object_commitment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["delivered_object_id"],
            ["delivered_object.id"],
            name=op.f("fk_commitment_object_delivered_object_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commitment_object")),
        sa.UniqueConstraint(
            "commitment_id",
            "delivered_object_id",
            name=op.f("uq_commitment_object_commitment_id_delivered_object_id"),
        ),
    )
    with op.batch_alter_table("result", schema=None) as batch_op:
        batch_op.add_column(sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("withdrawal_reason", sa.String(length=32), nullable=True))
    op.create_index(op.f("ix_result_superseded_by_id"), "result", ["superseded_by_id"])
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("purpose", sa.String(length=32), nullable=False, server_default="result")
        )
        batch_op.add_column(sa.Column("asks", sa.Integer(), nullable=False, server_default="0"))
        batch_op.drop_constraint("uq_delivery_result_id_destination", type_="unique")
        batch_op.create_unique_constraint(
            batch_op.f("uq_delivery_result_id_destination_purpose"),
            ["result_id", "destination", "purpose"],
        )
    with op.batch_alter_table("delivered_object", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("state", sa.String(length=32), nullable=False, server_default="waiting")
        )
        batch_op.add_column(sa.Column("reason", sa.Text(), nullable=False, server_default=""))
    # PS3.4 Table B.2-1: success, duplicate SOP instance and warnings; 45056 is 0xB000
    op.execute(
        "UPDATE delivered_object SET state = 'stored'"
        " WHERE status IN (0, 1, 263, 273, 278) OR status BETWEEN 45056 AND 49151"
    )


def downgrade() -> None:
    with op.batch_alter_table("delivered_object", schema=None) as batch_op:
        batch_op.drop_column("reason")
        batch_op.drop_column("state")
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_constraint("uq_delivery_result_id_destination_purpose", type_="unique")
        batch_op.create_unique_constraint(
            batch_op.f("uq_delivery_result_id_destination"), ["result_id", "destination"]
        )
        batch_op.drop_column("asks")
        batch_op.drop_column("purpose")
    op.drop_index(op.f("ix_result_superseded_by_id"), table_name="result")
    with op.batch_alter_table("result", schema=None) as batch_op:
        batch_op.drop_column("withdrawal_reason")
        batch_op.drop_column("withdrawn_at")
    op.drop_table("commitment_object")
    op.drop_index(op.f("ix_storage_commitment_delivery_id"), table_name="storage_commitment")
    op.drop_table("storage_commitment")
