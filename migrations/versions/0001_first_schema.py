"""The schema of the first release, whole."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001_first_schema"
down_revision = None
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("password_changed_at", _MOMENT, nullable=True),
        sa.Column("last_sign_in_at", _MOMENT, nullable=True),
        sa.Column("disabled_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("name", name=op.f("uq_account_name")),
    )
    op.create_index("ix_account_identity", "account", ["issuer", "subject"])
    op.create_table(
        "association",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("calling_ae_title", sa.String(length=16), nullable=False),
        sa.Column("called_ae_title", sa.String(length=16), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("accepted_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.Column("ending", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_association")),
    )
    op.create_index("ix_association_last_seen", "association", ["calling_ae_title", "accepted_at"])
    op.create_table(
        "audit_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.Column("reader", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("patient_id", sa.String(length=64), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
    )
    op.create_index("ix_audit_event_at", "audit_event", ["at"])
    op.create_index(
        "ix_audit_event_study_instance_uid", "audit_event", ["study_instance_uid", "id"]
    )
    op.create_table(
        "disk_use",
        sa.Column("folder", sa.String(length=32), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("counted_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("folder", name=op.f("pk_disk_use")),
    )
    op.create_table(
        "echo_answer",
        sa.Column("peer", sa.String(length=64), nullable=False),
        sa.Column("asked_at", _MOMENT, nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.Column("error_kind", sa.String(length=64), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("peer", name=op.f("pk_echo_answer")),
    )
    op.create_table(
        "imaging_order",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("accession_number", sa.String(length=64), nullable=False),
        sa.Column("patient_id", sa.String(length=64), nullable=False),
        sa.Column("issuer_of_patient_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("priority", sa.String(length=32), nullable=True),
        sa.Column("patient_class", sa.String(length=8), nullable=False),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.Column("said_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imaging_order")),
        sa.UniqueConstraint("accession_number", name=op.f("uq_imaging_order_accession_number")),
    )
    op.create_index(op.f("ix_imaging_order_expires_at"), "imaging_order", ["expires_at"])
    op.create_table(
        "patient_visit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.String(length=64), nullable=False),
        sa.Column("issuer_of_patient_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("patient_class", sa.String(length=8), nullable=False),
        sa.Column("location", sa.String(length=64), nullable=False),
        sa.Column("priority", sa.String(length=32), nullable=True),
        sa.Column("said_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_visit")),
        sa.UniqueConstraint("patient_id", name=op.f("uq_patient_visit_patient_id")),
    )
    op.create_index(op.f("ix_patient_visit_expires_at"), "patient_visit", ["expires_at"])
    op.create_table(
        "process_sign",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("part", sa.String(length=32), nullable=False),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("seen_at", _MOMENT, nullable=False),
        sa.Column("doing", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_process_sign")),
    )
    op.create_table(
        "received_message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sender", sa.String(length=200), nullable=False),
        sa.Column("control_id", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_received_message")),
        sa.UniqueConstraint(
            "sender",
            "control_id",
            "sha256",
            name=op.f("uq_received_message_sender_control_id_sha256"),
        ),
    )
    op.create_index(op.f("ix_received_message_expires_at"), "received_message", ["expires_at"])
    op.create_table(
        "received_value",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("observed_at", _MOMENT, nullable=False),
        sa.Column("valid_from", _MOMENT, nullable=False),
        sa.Column("valid_until", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_received_value")),
        sa.UniqueConstraint(
            "patient_id",
            "name",
            "observed_at",
            name=op.f("uq_received_value_patient_id_name_observed_at"),
        ),
    )
    op.create_index(op.f("ix_received_value_expires_at"), "received_value", ["expires_at"])
    op.create_table(
        "sign_in_failures",
        sa.Column("key_sha256", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("until", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key_sha256", name=op.f("pk_sign_in_failures")),
    )
    op.create_index(op.f("ix_sign_in_failures_until"), "sign_in_failures", ["until"])
    op.create_table(
        "study",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("patient_id", sa.String(length=64), nullable=False),
        sa.Column("issuer_of_patient_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("accession_number", sa.String(length=16), nullable=False),
        sa.Column("patient_sex", sa.String(length=16), nullable=False),
        sa.Column("patient_age", sa.String(length=4), nullable=False),
        sa.Column("calling_ae_title", sa.String(length=16), nullable=False),
        sa.Column("priority", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("worklist_rank", sa.String(length=32), nullable=False),
        sa.Column("asked_for", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("opened", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("age_band", sa.String(length=32), server_default="", nullable=False),
        sa.Column("pneumonia_type", sa.String(length=32), server_default="", nullable=False),
        sa.Column("judgement", sa.String(length=32), server_default="", nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("last_instance_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study")),
        sa.UniqueConstraint("study_instance_uid", name=op.f("uq_study_study_instance_uid")),
    )
    op.create_index(op.f("ix_study_accession_number"), "study", ["accession_number"])
    op.create_index("ix_study_last_instance_at", "study", ["last_instance_at"])
    op.create_index(
        "ix_study_list_by_age",
        "study",
        ["asked_for", "age_band", "worklist_rank", "opened", "received_at"],
    )
    op.create_index(
        "ix_study_list_by_judgement",
        "study",
        ["asked_for", "judgement", "worklist_rank", "opened", "received_at"],
    )
    op.create_index(
        "ix_study_list_by_scanner",
        "study",
        ["asked_for", "calling_ae_title", "worklist_rank", "opened", "received_at"],
    )
    op.create_index(
        "ix_study_list_by_sex",
        "study",
        ["asked_for", "patient_sex", "worklist_rank", "opened", "received_at"],
    )
    op.create_index(
        "ix_study_list_by_state",
        "study",
        ["asked_for", "state", "worklist_rank", "opened", "received_at"],
    )
    op.create_index(
        "ix_study_list_by_type",
        "study",
        ["asked_for", "pneumonia_type", "worklist_rank", "opened", "received_at"],
    )
    op.create_index(op.f("ix_study_patient_id"), "study", ["patient_id"])
    op.create_index("ix_study_state", "study", ["state", "asked_for"])
    op.create_index(
        "ix_study_worklist", "study", ["asked_for", "worklist_rank", "opened", "received_at"]
    )
    op.create_index(
        "ix_study_accession_begins",
        "study",
        ["accession_number"],
        postgresql_ops={"accession_number": "varchar_pattern_ops"},
    )
    op.create_index(
        "ix_study_patient_begins",
        "study",
        ["patient_id"],
        postgresql_ops={"patient_id": "varchar_pattern_ops"},
    )
    op.create_table(
        "study_report",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("accession_number", sa.String(length=64), nullable=False),
        sa.Column("patient_id", sa.String(length=64), nullable=False),
        sa.Column("reported_by", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("reported_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study_report")),
        sa.UniqueConstraint("accession_number", name=op.f("uq_study_report_accession_number")),
    )
    op.create_index(op.f("ix_study_report_expires_at"), "study_report", ["expires_at"])
    op.create_table(
        "upload",
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("folder", sa.String(length=64), nullable=False),
        sa.Column("reader", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=128), nullable=False),
        sa.Column("step", sa.String(length=32), nullable=False),
        sa.Column("progress_percent", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=True),
        sa.Column("picture", sa.Text(), nullable=True),
        sa.Column("refusals", sa.JSON(), nullable=False),
        sa.Column("error_kind", sa.String(length=64), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fencing_token", sa.Integer(), nullable=False),
        sa.Column("lease_until", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload")),
        sa.UniqueConstraint("token", name=op.f("uq_upload_token")),
    )
    op.create_index(op.f("ix_upload_expires_at"), "upload", ["expires_at"])
    op.create_index("ix_upload_queue", "upload", ["state", "id"])
    op.create_table(
        "work_item_subscription",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("receiving_ae_title", sa.String(length=16), nullable=False),
        sa.Column("subject_uid", sa.String(length=64), nullable=False),
        sa.Column("subscribed", sa.Boolean(), nullable=False),
        sa.Column("deletion_lock", sa.Boolean(), nullable=False),
        sa.Column("subscribed_at", _MOMENT, nullable=False),
        sa.Column("suspended_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_item_subscription")),
        sa.UniqueConstraint(
            "receiving_ae_title",
            "subject_uid",
            name=op.f("uq_work_item_subscription_receiving_ae_title_subject_uid"),
        ),
    )
    op.create_index(
        op.f("ix_work_item_subscription_subject_uid"), "work_item_subscription", ["subject_uid"]
    )
    op.create_table(
        "clinical_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("entered_by", sa.String(length=128), nullable=False),
        sa.Column("through", sa.String(length=32), nullable=False),
        sa.Column("entered_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"], ["study.id"], name=op.f("fk_clinical_entry_study_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clinical_entry")),
    )
    op.create_index("ix_clinical_entry_study", "clinical_entry", ["study_id", "id"])
    op.create_table(
        "instance",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("association_id", sa.Integer(), nullable=True),
        sa.Column("series_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("sop_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("sop_class_uid", sa.String(length=64), nullable=False),
        sa.Column("transfer_syntax_uid", sa.String(length=64), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("study_version", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["association_id"], ["association.id"], name=op.f("fk_instance_association_id")
        ),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_instance_study_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instance")),
        sa.UniqueConstraint("sop_instance_uid", name=op.f("uq_instance_sop_instance_uid")),
    )
    op.create_index("ix_instance_study_version", "instance", ["study_id", "study_version"])
    op.create_table(
        "job",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("study_version", sa.Integer(), nullable=False),
        sa.Column("bundle", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("priority", sa.String(length=32), nullable=False),
        sa.Column("queued_at", _MOMENT, nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("looked_at", _MOMENT, nullable=True),
        sa.Column("claimed_at", _MOMENT, nullable=True),
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.Column("worker", sa.String(length=128), nullable=False),
        sa.Column("progress_percent", sa.Integer(), nullable=False),
        sa.Column("error_kind", sa.String(length=64), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=False),
        sa.Column("trace", sa.Text(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fencing_token", sa.Integer(), nullable=False),
        sa.Column("lease_until", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_job_study_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint(
            "study_id", "study_version", "bundle", name=op.f("uq_job_study_id_study_version_bundle")
        ),
    )
    op.create_index("ix_job_log", "job", ["queued_at", "claimed_at", "finished_at", "priority"])
    op.create_index("ix_job_queue", "job", ["state", "due_at"])
    op.create_table(
        "prior_request",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("peer", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.Column("error_kind", sa.String(length=64), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fencing_token", sa.Integer(), nullable=False),
        sa.Column("lease_until", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_prior_request_study_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prior_request")),
        sa.UniqueConstraint("study_id", "peer", name=op.f("uq_prior_request_study_id_peer")),
    )
    op.create_index("ix_prior_request_queue", "prior_request", ["state", "due_at"])
    op.create_table(
        "quarantine",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("association_id", sa.Integer(), nullable=True),
        sa.Column("calling_ae_title", sa.String(length=16), nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("error_kind", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["association_id"], ["association.id"], name=op.f("fk_quarantine_association_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
    )
    op.create_index(op.f("ix_quarantine_received_at"), "quarantine", ["received_at"])
    op.create_table(
        "reader_session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("last_seen_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_reader_session_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reader_session")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_reader_session_token_sha256")),
    )
    op.create_index(op.f("ix_reader_session_account_id"), "reader_session", ["account_id"])
    op.create_index(op.f("ix_reader_session_ended_at"), "reader_session", ["ended_at"])
    op.create_table(
        "study_open",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("reader", sa.String(length=128), nullable=False),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("seen_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_study_open_study_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study_open")),
        sa.UniqueConstraint("study_id", "reader", name=op.f("uq_study_open_study_id_reader")),
    )
    op.create_index("ix_study_open_seen_at", "study_open", ["seen_at"])
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
        sa.Column("scheduled_at", _MOMENT, nullable=False),
        sa.Column("modified_at", _MOMENT, nullable=False),
        sa.Column("claimed_at", _MOMENT, nullable=True),
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.Column("performed", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_work_item_study_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_item")),
        sa.UniqueConstraint("sop_instance_uid", name=op.f("uq_work_item_sop_instance_uid")),
        sa.UniqueConstraint("study_id", "number", name=op.f("uq_work_item_study_id_number")),
    )
    op.create_index("ix_work_item_list", "work_item", ["state", "scheduled_at", "id"])
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=True),
        sa.Column("job_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_event_job_id")),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_event_study_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index("ix_event_name", "event", ["name", "study_id", "at"])
    op.create_index("ix_event_study", "event", ["study_id", "id"])
    op.create_table(
        "requested_prior",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("prior_request_id", sa.Integer(), nullable=False),
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("retrieved_at", _MOMENT, nullable=True),
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
    op.create_table(
        "result",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("study_version", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("urgency", sa.String(length=32), nullable=True),
        sa.Column("urgency_rule", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("suspicion", sa.Double(), nullable=True),
        sa.Column("reading", sa.JSON(), nullable=False),
        sa.Column("execution_provider", sa.String(length=64), nullable=False),
        sa.Column("key_picture", sa.Text(), nullable=True),
        sa.Column("chest_map", sa.Text(), nullable=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("superseded_by_id", sa.Integer(), nullable=True),
        sa.Column("withdrawn_at", _MOMENT, nullable=True),
        sa.Column("withdrawal_reason", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_result_job_id")),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_result_study_id")),
        sa.ForeignKeyConstraint(
            ["superseded_by_id"], ["result.id"], name=op.f("fk_result_superseded_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_result")),
        sa.UniqueConstraint("job_id", name=op.f("uq_result_job_id")),
    )
    op.create_index(
        "ix_result_made", "result", ["created_at", "superseded_by_id", "urgency", "study_id"]
    )
    op.create_index(
        "ix_result_of_study", "result", ["study_id", "created_at", "superseded_by_id", "urgency"]
    )
    op.create_index(op.f("ix_result_study_id"), "result", ["study_id"])
    op.create_index(op.f("ix_result_superseded_by_id"), "result", ["superseded_by_id"])
    op.create_table(
        "series_decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("series_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("chosen", sa.Boolean(), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("seen", sa.String(length=128), nullable=False),
        sa.Column("limit", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_series_decision_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series_decision")),
    )
    op.create_index(op.f("ix_series_decision_job_id"), "series_decision", ["job_id"])
    op.create_table(
        "work_item_notification",
        sa.Column("receiving_ae_title", sa.String(length=16), nullable=False),
        sa.Column("work_item_id", sa.Integer(), nullable=False),
        sa.Column("event_type", sa.Integer(), nullable=False),
        sa.Column("information", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.Column("error_kind", sa.String(length=64), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fencing_token", sa.Integer(), nullable=False),
        sa.Column("lease_until", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["work_item_id"], ["work_item.id"], name=op.f("fk_work_item_notification_work_item_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_item_notification")),
    )
    op.create_index(
        "ix_work_item_notification_queue",
        "work_item_notification",
        ["state", "receiving_ae_title", "id"],
    )
    op.create_index(
        op.f("ix_work_item_notification_work_item_id"), "work_item_notification", ["work_item_id"]
    )
    op.create_table(
        "delivery",
        sa.Column("result_id", sa.Integer(), nullable=False),
        sa.Column("destination", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=32), server_default="result", nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("asks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.Column("error_kind", sa.String(length=64), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fencing_token", sa.Integer(), nullable=False),
        sa.Column("lease_until", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["result_id"], ["result.id"], name=op.f("fk_delivery_result_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint(
            "result_id",
            "destination",
            "purpose",
            name=op.f("uq_delivery_result_id_destination_purpose"),
        ),
    )
    op.create_index("ix_delivery_queue", "delivery", ["state", "due_at"])
    op.create_table(
        "feedback",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("result_id", sa.Integer(), nullable=False),
        sa.Column("reader", sa.String(length=128), nullable=False),
        sa.Column("judgement", sa.String(length=32), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("given_at", _MOMENT, nullable=False),
        sa.Column("replaced_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["result_id"], ["result.id"], name=op.f("fk_feedback_result_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
    )
    op.create_index("ix_feedback_given_at", "feedback", ["given_at"])
    op.create_index(op.f("ix_feedback_result_id"), "feedback", ["result_id"])
    op.create_index(
        "ix_feedback_standing",
        "feedback",
        ["result_id", "reader"],
        unique=True,
        sqlite_where=sa.text("replaced_at IS NULL"),
        postgresql_where=sa.text("replaced_at IS NULL"),
    )
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
        sa.ForeignKeyConstraint(["result_id"], ["result.id"], name=op.f("fk_flag_result_id")),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_flag_study_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flag")),
        sa.UniqueConstraint("flag_uid", name=op.f("uq_flag_flag_uid")),
        sa.UniqueConstraint("study_id", name=op.f("uq_flag_study_id")),
    )
    op.create_index("ix_flag_escalate_at", "flag", ["escalate_at"])
    op.create_index("ix_flag_state", "flag", ["state", "urgency"])
    op.create_table(
        "result_object",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("result_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("recipe", sa.String(length=64), server_default="", nullable=False),
        sa.Column("sop_class_uid", sa.String(length=64), nullable=False),
        sa.Column("sop_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("series_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["result_id"], ["result.id"], name=op.f("fk_result_object_result_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_result_object")),
    )
    op.create_index(op.f("ix_result_object_result_id"), "result_object", ["result_id"])
    op.create_index(
        op.f("ix_result_object_sop_instance_uid"), "result_object", ["sop_instance_uid"]
    )
    op.create_table(
        "delivered_object",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("result_object_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), server_default="waiting", nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("answered_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["delivery.id"], name=op.f("fk_delivered_object_delivery_id")
        ),
        sa.ForeignKeyConstraint(
            ["result_object_id"],
            ["result_object.id"],
            name=op.f("fk_delivered_object_result_object_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivered_object")),
        sa.UniqueConstraint(
            "delivery_id",
            "result_object_id",
            name=op.f("uq_delivered_object_delivery_id_result_object_id"),
        ),
    )
    op.create_table(
        "feedback_fault",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("feedback_id", sa.Integer(), nullable=False),
        sa.Column("fault", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["feedback_id"], ["feedback.id"], name=op.f("fk_feedback_fault_feedback_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback_fault")),
        sa.UniqueConstraint(
            "feedback_id", "fault", name=op.f("uq_feedback_fault_feedback_id_fault")
        ),
    )
    op.create_table(
        "flag_notice",
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
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.Column("reference", sa.String(length=256), nullable=False),
        sa.Column("ask_at", _MOMENT, nullable=True),
        sa.Column("ask_error", sa.String(length=64), server_default="", nullable=False),
        sa.Column("error_kind", sa.String(length=64), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fencing_token", sa.Integer(), nullable=False),
        sa.Column("lease_until", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["flag_id"], ["flag.id"], name=op.f("fk_flag_notice_flag_id")),
        sa.ForeignKeyConstraint(
            ["result_id"], ["result.id"], name=op.f("fk_flag_notice_result_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flag_notice")),
        sa.UniqueConstraint("notice_uid", name=op.f("uq_flag_notice_notice_uid")),
    )
    op.create_index("ix_flag_notice_ask_at", "flag_notice", ["ask_at"])
    op.create_index("ix_flag_notice_flag_id", "flag_notice", ["flag_id"])
    op.create_index("ix_flag_notice_queue", "flag_notice", ["state", "channel", "id"])
    op.create_table(
        "storage_commitment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("transaction_uid", sa.String(length=64), nullable=False),
        sa.Column("asked_at", _MOMENT, nullable=False),
        sa.Column("answered_at", _MOMENT, nullable=True),
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
    op.create_index("ix_flag_attempt_notice_id", "flag_attempt", ["notice_id"])
