"""SiteManifest: what a wrong one is told. Every problem names its path and rule, and suggests what was probably meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from webstreet.contract.atom import AtomManifest, Parameters
from webstreet.contract.release import ReleaseManifest
from webstreet.contract.site import SiteManifest
from webstreet.kernel.errors import DocumentInvalid, Problem


class LetterParameters(Parameters):
    on_publish: Literal["send", "draft", "off"] = Field("send", description="What a first publication does.")
    batch: int = Field(100, description="Messages a step.", ge=1)
    archive: bool = Field(True, description="Whether old issues can be read.")


def atom(name: str, **more: Any) -> AtomManifest:
    common = {"app": f"example.{name}", "title": name, "kind": "back-end", "purpose": "-", "typical_use": "-"}
    return AtomManifest(**{**common, "name": name, **more})


RELEASE = ReleaseManifest.of(
    "1.2.3",
    [
        atom("articles"),
        atom("newsletter", sensitive=True, requires=["articles"], parameters=LetterParameters.model_json_schema()),
        atom("header", kind="front-end"),
    ],
)


def document(**more: Any) -> dict[str, Any]:
    return {
        "client": "acme",
        "site": "blog",
        "title": "Blog",
        "template": "publication",
        "domains": ["blog.example.com"],
        "atoms": {"articles": {}, "newsletter": {}},
    } | more


def problems(**more: Any) -> list[Problem]:
    """What is wrong with the document, read and then compared with the release."""
    with pytest.raises(DocumentInvalid) as caught:
        SiteManifest.read(document(**more), name="site.yaml").check(RELEASE)
    return list(caught.value)


def test_a_good_one_passes_and_survives_yaml() -> None:
    manifest = SiteManifest.read(document(residency={"newsletter": "client"}), name="site.yaml").check(RELEASE)
    assert SiteManifest.read_yaml(manifest.to_yaml(), name="site.yaml") == manifest
    assert str(manifest.id) == "acme/blog"


def test_residency_is_hosted_unless_said() -> None:
    manifest = SiteManifest.read(document(residency={"newsletter": "client"}), name="site.yaml")
    assert manifest.lives_at("newsletter") == "client"
    assert manifest.lives_at("articles") == "hosted"


@pytest.mark.parametrize(
    ("change", "path", "rule", "suggestion"),
    [
        (
            {"atoms": {"articles": {}, "newsleter": {}}},
            "atoms.newsleter",
            "not an atom of release 1.2.3",
            '"newsletter"',
        ),
        ({"atoms": {"zzz": {}}}, "atoms.zzz", "not an atom", "Known: articles, header, newsletter."),
        ({"atoms": {"newsletter": {}}}, "atoms.newsletter", 'needs the atom "articles"', "Add articles: {}"),
        ({"titel": "x"}, "titel", "not a key we know", '"title"'),
        ({"title": ""}, "title", "at least 1 character", ""),
        ({"title": 5}, "title", "valid string", ""),
        ({"languages": ["de"]}, "languages.0", "'en' or 'fr'", ""),
        ({"languages": []}, "languages", "at least 1", ""),
        ({"languages": ["fr", "fr"]}, "(top)", "languages names the same value twice", ""),
        ({"domains": ["Blog.example.com", "blog.example.com."]}, "(top)", "domains names the same value twice", ""),
        ({"domains": ["http://x"]}, "domains.0", "is not a domain", ""),
        ({"client": "Acme Inc"}, "client", "cannot be the name of a client", ""),
        ({"site": "x" * 300}, "site", "cannot be the name of a site", ""),
        ({"residency": {"articles": "client"}}, "residency.articles", "not a sensitive atom", "Sensitive: newsletter."),
        ({"residency": {"newsleter": "client"}}, "residency.newsleter", "not an atom of this site", '"newsletter"'),
        ({"residency": {"newsletter": "moon"}}, "residency.newsletter", "'hosted' or 'client'", ""),
    ],
)
def test_one_problem(change: dict[str, Any], path: str, rule: str, suggestion: str) -> None:
    (found,) = problems(**change)
    assert found.path == path
    assert rule in found.rule
    assert suggestion in f"{found.rule} {found.suggestion}"


@pytest.mark.parametrize(
    ("parameters", "path", "rule", "suggestion"),
    [
        (
            {"on_publish": "sned"},
            "atoms.newsletter.on_publish",
            "must be one of: send, draft, off.",
            'Did you mean "send"?',
        ),
        (
            {"on_publsh": "send"},
            "atoms.newsletter.on_publsh",
            "is not a parameter of this atom.",
            'Did you mean "on_publish"?',
        ),
        ({"batch": "many"}, "atoms.newsletter.batch", "must be of type integer, not string.", ""),
        ({"batch": 0}, "atoms.newsletter.batch", "less than the minimum of 1", ""),
        ({"archive": "yes"}, "atoms.newsletter.archive", "must be of type boolean, not string.", ""),
        ({"archive": None}, "atoms.newsletter.archive", "must be of type boolean, not null.", ""),
    ],
)
def test_wrong_parameters(parameters: dict[str, Any], path: str, rule: str, suggestion: str) -> None:
    (found,) = problems(atoms={"articles": {}, "newsletter": parameters})
    assert (found.path, found.suggestion) == (path, suggestion)
    assert rule in found.rule


def test_all_problems_are_listed_not_only_the_first() -> None:
    found = problems(atoms={"newsletter": {"batch": "x", "archive": 3}, "hedaer": {}}, residency={"hedaer": "client"})
    assert [p.path for p in found] == [
        *("atoms.newsletter.archive", "atoms.newsletter.batch", "atoms.newsletter", "atoms.hedaer"),
    ]


def test_missing_keys_are_named() -> None:
    with pytest.raises(DocumentInvalid) as caught:
        SiteManifest.read({}, name="site.yaml")
    assert {p.path for p in caught.value} == {"client", "site", "title", "template", "atoms"}
    assert {p.rule for p in caught.value} == {"is required."}


@pytest.mark.parametrize("data", [None, [], "text", 5])
def test_not_a_mapping(data: object) -> None:
    with pytest.raises(DocumentInvalid, match="must be a mapping"):
        SiteManifest.read(data, name="site.yaml")


def test_bad_yaml_names_line_and_column() -> None:
    with pytest.raises(DocumentInvalid) as caught:
        SiteManifest.read_yaml("client: acme\nsite: [blog\ntitle: x", name="site.yaml")
    (found,) = caught.value
    assert found.path.startswith("line 3, column")


def test_yaml_makes_no_python_objects() -> None:
    with pytest.raises(DocumentInvalid):
        SiteManifest.read_yaml("client: !!python/object/apply:os.getcwd []", name="site.yaml")


json_values: Callable[..., Any] = lambda: st.recursive(  # noqa: E731
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*document(), "residency", "languages", "contract", "other"]), json_values()))
def test_no_document_breaks_the_reader(data: dict[str, Any]) -> None:
    try:
        SiteManifest.read(data, name="site.yaml").check(RELEASE)
    except DocumentInvalid as error:
        assert error.problems
        assert all(problem.path and problem.rule.endswith((".", "?")) for problem in error)


@given(json_values())
def test_no_parameters_break_the_reader(values: Any) -> None:
    try:
        SiteManifest.read(document(atoms={"articles": {}, "newsletter": values}), name="site.yaml").check(RELEASE)
    except DocumentInvalid as error:
        assert all(problem.path.startswith("atoms") for problem in error)
