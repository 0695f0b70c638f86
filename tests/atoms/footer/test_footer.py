"""The foot of every page."""

from __future__ import annotations

import pytest

from webstreet.atoms.footer.atom import Params
from webstreet.atoms.footer.receivers import years
from webstreet.engine import hooks
from webstreet.engine import site as this_site


@pytest.mark.parametrize(("since", "shown"), [(None, "2026"), (2026, "2026"), (2019, "2019–2026"), (2030, "2026")])
def test_years(since: int | None, shown: str) -> None:
    assert years(since, 2026) == shown


@pytest.mark.django_db
def test_imprint_copyright_and_feeds(rf, monkeypatch) -> None:
    real = this_site.parameters
    chosen = Params(imprint="One <b>.\n\nTwo.", holder="Groupe 7", since=2019)
    monkeypatch.setattr(this_site, "parameters", lambda atom: chosen if atom == "footer" else real(atom))
    page = "".join(hooks.call("slot", "site_footer", rf.get("/", HTTP_HOST="blog.example.com"), {}))
    assert "<p>One &lt;b&gt;.</p>" in page
    assert "2019–" in page
    assert "Groupe 7" in page
    assert 'href="/feed/"' in page
    assert 'href="/feed/atom/"' in page
