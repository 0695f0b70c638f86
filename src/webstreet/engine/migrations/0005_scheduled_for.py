from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("engine", "0004_origin"),
    ]

    operations = [
        migrations.AddField("firstpublic", "scheduled_for", models.DateTimeField(blank=True, null=True)),
    ]
