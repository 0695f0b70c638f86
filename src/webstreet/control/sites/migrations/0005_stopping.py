"""A site that is seen stopping is no longer shown as starting."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sites", "0004_customizations_of_openings"),
    ]

    operations = [
        migrations.AlterField(
            model_name="site",
            name="seen_state",
            field=models.CharField(
                blank=True,
                choices=[
                    ("starting", "starting"),
                    ("running", "running"),
                    ("stopping", "stopping"),
                    ("suspended", "suspended"),
                    ("failing", "failing"),
                    ("gone", "gone"),
                ],
                max_length=20,
                verbose_name="seen state",
            ),
        ),
    ]
