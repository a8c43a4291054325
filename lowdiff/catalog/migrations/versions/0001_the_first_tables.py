"""The first tables"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


CURRENT_LABEL = """
CREATE VIEW current_label AS
SELECT id AS event_id, image_id, field, value, origin, actor, confidence, schema_version,
       annotation_key, lead_time_s, created_at
FROM (
    SELECT label_event.*, ROW_NUMBER() OVER (
        PARTITION BY image_id, field
        ORDER BY CASE origin
            WHEN 'adjudicated' THEN 1 WHEN 'human' THEN 2 WHEN 'propagated' THEN 3
            WHEN 'rule' THEN 4 ELSE 5 END, id DESC
    ) AS place
    FROM label_event
) AS ranked
WHERE place = 1
"""


def upgrade() -> None:
    op.create_table(
        "dataset_version",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("schema_version", sa.String(length=16), nullable=False),
        sa.Column("recipe", sa.JSON(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        sa.UniqueConstraint("name", "version"),
    )
    op.create_table(
        "fetch_queue",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("page_url", sa.Text(), nullable=True),
        sa.Column("hints", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(length=128), nullable=True),
        sa.Column("lease_until", sa.DateTime(), nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("image_id", sa.String(length=64), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "url"),
    )
    with op.batch_alter_table("fetch_queue", schema=None) as batch_op:
        batch_op.create_index("ix_fetch_open", ["source", "state"], unique=False)

    op.create_table(
        "image",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("pixel_hash", sa.String(length=64), nullable=False),
        sa.Column("format", sa.String(length=16), nullable=False),
        sa.Column("width_px", sa.Integer(), nullable=False),
        sa.Column("height_px", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("has_alpha", sa.Boolean(), nullable=False),
        sa.Column("family_id", sa.String(length=64), nullable=True),
        sa.Column("split", sa.String(length=16), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("image", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_image_family_id"), ["family_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_image_pixel_hash"), ["pixel_hash"], unique=False)

    op.create_table(
        "label_project",
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("config_hash", sa.String(length=64), nullable=False),
        sa.Column("schema_version", sa.String(length=16), nullable=False),
        sa.Column("pulled_until", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "rejection",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("rejected_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "url"),
    )
    with op.batch_alter_table("rejection", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rejection_source"), ["source"], unique=False)

    op.create_table(
        "artifact",
        sa.Column("image_id", sa.String(length=64), nullable=False),
        sa.Column("stage", sa.String(length=32), nullable=False),
        sa.Column("stage_version", sa.String(length=32), nullable=False),
        sa.Column("params_hash", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=True),
        sa.Column("error_class", sa.String(length=64), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("lease_owner", sa.String(length=128), nullable=True),
        sa.Column("lease_until", sa.DateTime(), nullable=True),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"],
            ["image.id"],
        ),
        sa.PrimaryKeyConstraint("image_id", "stage", "stage_version", "params_hash"),
    )
    with op.batch_alter_table("artifact", schema=None) as batch_op:
        batch_op.create_index(
            "ix_artifact_stage", ["stage", "stage_version", "params_hash", "state"], unique=False
        )

    op.create_table(
        "dataset_item",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("image_id", sa.String(length=64), nullable=False),
        sa.Column("split", sa.String(length=16), nullable=False),
        sa.Column("label_hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["digest"],
            ["dataset_version.digest"],
        ),
        sa.ForeignKeyConstraint(
            ["image_id"],
            ["image.id"],
        ),
        sa.PrimaryKeyConstraint("digest", "image_id"),
    )
    with op.batch_alter_table("dataset_item", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dataset_item_image_id"), ["image_id"], unique=False)

    op.create_table(
        "duplicate_edge",
        sa.Column("a_id", sa.String(length=64), nullable=False),
        sa.Column("b_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("method_version", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["a_id"],
            ["image.id"],
        ),
        sa.ForeignKeyConstraint(
            ["b_id"],
            ["image.id"],
        ),
        sa.PrimaryKeyConstraint("a_id", "b_id", "kind"),
    )
    op.create_table(
        "label_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("event_key", sa.String(length=64), nullable=False),
        sa.Column("image_id", sa.String(length=64), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("schema_version", sa.String(length=16), nullable=False),
        sa.Column("annotation_key", sa.String(length=64), nullable=True),
        sa.Column("lead_time_s", sa.Double(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"],
            ["image.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("event_key"),
    )
    with op.batch_alter_table("label_event", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_label_event_annotation_key"), ["annotation_key"], unique=False
        )
        batch_op.create_index("ix_label_image_field", ["image_id", "field"], unique=False)

    op.create_table(
        "label_task",
        sa.Column("external_key", sa.String(length=128), nullable=False),
        sa.Column("project_key", sa.String(length=128), nullable=False),
        sa.Column("image_id", sa.String(length=64), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=True),
        sa.Column("push_batch", sa.String(length=36), nullable=False),
        sa.Column("prediction_hash", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("pushed_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["image_id"],
            ["image.id"],
        ),
        sa.ForeignKeyConstraint(
            ["project_key"],
            ["label_project.key"],
        ),
        sa.PrimaryKeyConstraint("external_key"),
    )
    with op.batch_alter_table("label_task", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_label_task_image_id"), ["image_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_label_task_project_key"), ["project_key"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_label_task_push_batch"), ["push_batch"], unique=False)
        batch_op.create_index(batch_op.f("ix_label_task_task_id"), ["task_id"], unique=False)

    op.create_table(
        "run",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("preset", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("dataset_digest", sa.String(length=64), nullable=False),
        sa.Column("vae_run_id", sa.String(length=64), nullable=True),
        sa.Column("parent_run_id", sa.String(length=64), nullable=True),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["dataset_digest"],
            ["dataset_version.digest"],
        ),
        sa.ForeignKeyConstraint(
            ["parent_run_id"],
            ["run.id"],
        ),
        sa.ForeignKeyConstraint(
            ["vae_run_id"],
            ["run.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_run_dataset_digest"), ["dataset_digest"], unique=False)

    op.create_table(
        "sighting",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("image_id", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("page_url", sa.Text(), nullable=True),
        sa.Column("licence", sa.String(length=64), nullable=False),
        sa.Column("attribution", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("alt_text", sa.Text(), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("seen_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"],
            ["image.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "url", "image_id"),
    )
    with op.batch_alter_table("sighting", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sighting_image_id"), ["image_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_sighting_source"), ["source"], unique=False)
    op.execute(CURRENT_LABEL)


def downgrade() -> None:
    op.execute("DROP VIEW current_label")
    with op.batch_alter_table("sighting", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sighting_source"))
        batch_op.drop_index(batch_op.f("ix_sighting_image_id"))

    op.drop_table("sighting")
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_run_dataset_digest"))

    op.drop_table("run")
    with op.batch_alter_table("label_task", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_label_task_task_id"))
        batch_op.drop_index(batch_op.f("ix_label_task_push_batch"))
        batch_op.drop_index(batch_op.f("ix_label_task_project_key"))
        batch_op.drop_index(batch_op.f("ix_label_task_image_id"))

    op.drop_table("label_task")
    with op.batch_alter_table("label_event", schema=None) as batch_op:
        batch_op.drop_index("ix_label_image_field")
        batch_op.drop_index(batch_op.f("ix_label_event_annotation_key"))

    op.drop_table("label_event")
    op.drop_table("duplicate_edge")
    with op.batch_alter_table("dataset_item", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dataset_item_image_id"))

    op.drop_table("dataset_item")
    with op.batch_alter_table("artifact", schema=None) as batch_op:
        batch_op.drop_index("ix_artifact_stage")

    op.drop_table("artifact")
    with op.batch_alter_table("rejection", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rejection_source"))

    op.drop_table("rejection")
    op.drop_table("label_project")
    with op.batch_alter_table("image", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_image_pixel_hash"))
        batch_op.drop_index(batch_op.f("ix_image_family_id"))

    op.drop_table("image")
    with op.batch_alter_table("fetch_queue", schema=None) as batch_op:
        batch_op.drop_index("ix_fetch_open")

    op.drop_table("fetch_queue")
    op.drop_table("dataset_version")
