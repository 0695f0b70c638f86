"""Sites that were opened before customizations were recorded: what differs from their template was asked for at the opening."""

from django.db import migrations

from webstreet.contract.template import shipped_templates
from webstreet.control.sites.customizations import opened_with

GIVEN = ("DATABASE_URL", "EMAIL_URL")


def record_openings(apps, schema_editor):
    Site = apps.get_model("sites", "Site")
    Customization = apps.get_model("sites", "Customization")
    for site in Site.objects.prefetch_related("residencies", "secrets", "customizations").iterator(chunk_size=500):
        template = shipped_templates().get(site.wanted_template)
        if template is None or site.customizations.all():
            continue
        residency = {row.atom: row.where for row in site.residencies.all()}
        secrets = {name: _atom(name) for name in (s.name for s in site.secrets.all()) if name.endswith(GIVEN)}
        secrets.pop("DEFAULT_EMAIL_URL", None)
        rows = opened_with(site.wanted_atoms, residency, secrets, template.atoms)
        Customization.objects.bulk_create(
            Customization(
                site=site, number=n, by=site.created_by, at=site.created_at, at_opening=True, generation=1, **row
            )
            for n, row in enumerate(rows, 1)
        )


def _atom(secret: str) -> str:
    return secret.removesuffix("_DATABASE_URL").lower().replace("_", "-") if secret.endswith("_DATABASE_URL") else ""


class Migration(migrations.Migration):
    dependencies = [("sites", "0003_customizations")]
    operations = [migrations.RunPython(record_openings, migrations.RunPython.noop)]
