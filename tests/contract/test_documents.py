"""The other documents: templates, releases, jobs, health; and their published schemas."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from webstreet.contract import jobs, schemas
from webstreet.contract.health import Facts, Live, Ready
from webstreet.contract.release import ReleaseManifest
from webstreet.contract.template import shipped_release, shipped_template, shipped_templates
from webstreet.kernel.errors import NotFound

PUBLISHED = Path(__file__).resolve().parents[2] / "docs/reference/schemas"


def test_every_shipped_template_fits_the_shipped_release() -> None:
    for template in shipped_templates().values():
        assert list(template.problems(shipped_release())) == []


@pytest.mark.parametrize("name", sorted(shipped_templates()))
def test_a_site_made_from_a_template_is_valid(name: str) -> None:
    made = shipped_template(name).site(
        client="acme", site="blog", title="Blog", languages=["fr"], domains=["Blog.example"], parameters={"header": {}}
    )
    assert made.check(shipped_release()).domains == ["blog.example"]


def test_parameters_are_laid_over_the_templates_own() -> None:
    template = shipped_template("publication")
    common = {"client": "acme", "site": "blog", "title": "Blog", "languages": ["en"], "domains": []}
    made = template.site(**common, parameters={"newsletter": {"on_publish": "off"}})
    assert made.atoms["newsletter"]["on_publish"] == "off"
    assert template.atoms["newsletter"]["on_publish"] == "send"


def test_an_unknown_template_names_the_nearest() -> None:
    with pytest.raises(NotFound, match='Did you mean "publication"') as caught:
        shipped_template("publicaton")
    assert caught.value.error_code == "template.missing"


def test_every_atom_of_the_release_documents_its_parameters() -> None:
    for atom in shipped_release().atoms:
        jsonschema.Draft202012Validator.check_schema(atom.parameters)
        for name, schema in atom.parameters.get("properties", {}).items():
            assert schema.get("description"), f"{atom.name}.{name} has no description"
            assert name not in atom.parameters.get("required", []), f"{atom.name}.{name} has no default"
        assert atom.purpose
        assert atom.typical_use


@pytest.mark.requirement("H4")
def test_the_sensitive_atoms_name_their_own_connection() -> None:
    newsletter = shipped_release().by_name["newsletter"]
    assert newsletter.sensitive
    assert newsletter.database_variable == "NEWSLETTER_DATABASE_URL"
    assert newsletter.files_variable == "NEWSLETTER_FILES_URL"


def test_a_release_is_in_the_same_order_whatever_order_it_was_made_in() -> None:
    atoms = shipped_release().atoms
    assert ReleaseManifest.of("1", reversed(atoms)) == ReleaseManifest.of("1", atoms)


@pytest.mark.parametrize("name", sorted(schemas.schemas()))
def test_the_published_schema_is_current(name: str) -> None:
    assert (PUBLISHED / name).read_text("utf-8") == schemas.schemas()[name], "type: make docs"


def test_nothing_is_published_that_no_longer_exists() -> None:
    assert {path.name for path in PUBLISHED.glob("*.json")} == set(schemas.schemas())


@pytest.mark.parametrize(
    "made",
    [
        Live(),
        Ready(status="ready", release="1", generation=3, parts=[{"name": "database", "ok": True}]),
        Facts(
            client="a", site="b", release="1", contract=1, generation=1, manifest_digest="x", started_at="now", atoms=[]
        ),
        jobs.Progress(step="migrate", done=1, total=2),
        jobs.ImportReport(source="crispy-octo", rejected=[{"line": 3, "reason": "not an address"}]),
        jobs.LoginLink(path="/x", expires_at="now"),
        jobs.Failure(code="a.b", message="c"),
    ],
    ids=lambda made: type(made).__name__,
)
def test_what_we_write_fits_the_schema_we_publish(made: Live) -> None:
    schema = json.loads(schemas.schemas()[f"{type(made).__name__}.json"])
    jsonschema.validate(json.loads(made.model_dump_json()), schema)
    assert type(made).read(json.loads(made.model_dump_json()), name="x") == made
