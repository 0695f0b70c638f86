from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("newsletter", "0006_limits"),
    ]

    operations = [
        migrations.CreateModel(
            name="HostedDomain",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("domain", models.CharField(max_length=253, unique=True)),
                ("family", models.CharField(blank=True, default="", max_length=40)),
                ("met_at", models.DateTimeField()),
                ("due_at", models.DateTimeField(db_index=True)),
            ],
            options={"abstract": False},
        ),
    ]
