"""Links into a site's admin, as the site's own engine answers."""

from __future__ import annotations

from typing import Any

from webstreet.contract.jobs import Failure, LoginLink
from webstreet.control.sites.models import Site


def test_an_address_that_nobody_has_makes_an_editor_only_when_asked_to(
    blog: Site, operator: Any, memory: Any, reconcile: Any
) -> None:
    reconcile()

    def engine(arguments: Any) -> tuple[int, list[str]]:
        if "--create" in arguments:
            link = LoginLink(path="/-/login/canary/", expires_at="2030-01-01T00:00:00+00:00")
            return 0, [link.model_dump_json()]
        return 1, [Failure(code="editor.missing", message="No editor has that address.").model_dump_json()]

    memory.commands["login-link"] = engine
    path, typo = "/sites/acme/blog/login-links", {"email": "no@example.com"}
    refused = operator.post(path, typo)
    assert (refused.status_code, refused.json()["code"]) == (404, "editor.missing")
    made = operator.post(path, typo | {"create": True})
    assert made.status_code == 201
    assert made.json()["url"].endswith("/-/login/canary/")
