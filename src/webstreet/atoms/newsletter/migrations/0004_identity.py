import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("newsletter", "0003_ledger"),
    ]

    operations = [
        migrations.CreateModel(
            name="DnsRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=255, unique=True)),
                (
                    "purpose",
                    models.CharField(choices=[("dkim", "DKIM"), ("spf", "SPF"), ("dmarc", "DMARC")], max_length=10),
                ),
                (
                    "kind",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("right", "Found"),
                            ("missing", "Not found"),
                            ("wrong", "Different"),
                            ("silent", "No answer"),
                        ],
                        default="",
                        max_length=10,
                    ),
                ),
                ("fact", models.CharField(blank=True, default="", max_length=20)),
                ("found", models.JSONField(default=list)),
                ("checked_at", models.DateTimeField(blank=True, null=True)),
                ("asked_at", models.DateTimeField(blank=True, null=True)),
                ("due_at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name="SigningKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("domain", models.CharField(max_length=253)),
                ("selector", models.CharField(max_length=63)),
                (
                    "algorithm",
                    models.CharField(
                        choices=[("rsa-sha256", "RSA"), ("ed25519-sha256", "Ed25519")], max_length=20
                    ),
                ),
                ("record", models.CharField(max_length=1000)),
                ("sealed", models.TextField(blank=True, default="")),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("declared_at", models.DateTimeField(blank=True, null=True)),
                ("seen_at", models.DateTimeField(blank=True, null=True)),
                ("signing_at", models.DateTimeField(blank=True, null=True)),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
                ("removed_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("domain", "selector"), name="newsletter_key_selector")
                ],
            },
        ),
    ]
