import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("newsletter", "0005_events"),
    ]

    operations = [
        migrations.CreateModel(
            name="Bucket",
            fields=[
                ("name", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("spent", models.FloatField(default=0.0)),
                ("at", models.FloatField(default=0.0)),
            ],
            options={"abstract": False},
        ),
        migrations.CreateModel(
            name="SlowDown",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("family", models.CharField(max_length=254, unique=True)),
                ("steps", models.PositiveSmallIntegerField(default=0)),
                ("since", models.DateTimeField()),
                ("code", models.CharField(blank=True, default="", max_length=40)),
            ],
            options={"abstract": False},
        ),
        migrations.CreateModel(
            name="Queue",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("family", models.CharField(max_length=254)),
                ("due_at", models.DateTimeField()),
                ("weight", models.BigIntegerField(default=0)),
                (
                    "issue",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="queues",
                        to="newsletter.issue",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [models.UniqueConstraint(fields=("issue", "family"), name="newsletter_queue_once")],
            },
        ),
        migrations.CreateModel(
            name="Looked",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("accepted", models.PositiveIntegerField(default=0)),
                ("refused", models.PositiveIntegerField(default=0)),
                ("bounced", models.PositiveIntegerField(default=0)),
                ("complained", models.PositiveIntegerField(default=0)),
                (
                    "issue",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="looked", to="newsletter.issue"
                    ),
                ),
            ],
            options={"abstract": False},
        ),
        migrations.CreateModel(
            name="Pace",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slot", models.BigIntegerField()),
                ("count", models.PositiveIntegerField(default=0)),
                (
                    "issue",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="paces",
                        to="newsletter.issue",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [models.UniqueConstraint(fields=("issue", "slot"), name="newsletter_pace_once")],
            },
        ),
        migrations.AddField("chunk", "held", models.PositiveIntegerField(blank=True, null=True)),
        migrations.AddField("issue", "held", models.CharField(blank=True, max_length=20, null=True)),
        migrations.AddField("issue", "hurried_at", models.DateTimeField(blank=True, null=True)),
        migrations.AlterField(
            "delivery",
            "state",
            models.CharField(
                choices=[
                    ("queued", "Queued"),
                    ("held", "Waiting for its turn"),
                    ("sending", "Sending"),
                    ("sent", "Sent"),
                    ("deferred", "Deferred"),
                    ("failed", "Failed"),
                    ("suppressed", "Left out"),
                    ("uncertain", "Uncertain"),
                ],
                default="queued",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            "change",
            "verb",
            models.CharField(
                choices=[
                    ("created", "Made"),
                    ("started", "Started"),
                    ("paused", "Paused"),
                    ("resumed", "Resumed"),
                    ("cancelled", "Cancelled"),
                    ("hurried", "Sent at once, whatever the hour"),
                    ("again", "Uncertain mails sent again"),
                    ("retried", "Tried again"),
                    ("tested", "Test mail sent"),
                    ("added", "Added"),
                    ("changed", "Changed"),
                    ("unsubscribed", "Unsubscribed"),
                    ("removed", "Removed"),
                    ("erased", "Erased at their own wish"),
                    ("listed", "Put on a list"),
                    ("unlisted", "Taken off a list"),
                    ("barred", "Barred from mail"),
                    ("lifted", "May be written to again"),
                ],
                max_length=20,
            ),
        ),
    ]
