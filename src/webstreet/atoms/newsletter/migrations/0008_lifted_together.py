from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("newsletter", "0007_hosted_domains"),
    ]

    operations = [
        migrations.AddField(
            model_name="bulkjob",
            name="why",
            field=models.CharField(blank=True, max_length=300, null=True),
        ),
        migrations.AlterField(
            model_name="bulkjob",
            name="verb",
            field=models.CharField(
                choices=[
                    ("unsubscribe", "Unsubscribe"),
                    ("join", "Put on a list"),
                    ("leave", "Take off a list"),
                    ("remove", "Remove"),
                    ("lift", "Write again"),
                ],
                max_length=12,
            ),
        ),
    ]
