from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("newsletter", "0008_lifted_together"),
    ]

    operations = [
        migrations.AddField("issue", "overdue_since", models.DateTimeField(blank=True, null=True)),
    ]
