"""The head of every page follows its parameters."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from webstreet.atoms.header.atom import Params
from webstreet.engine import hooks
from webstreet.engine import site as this_site

pytestmark = pytest.mark.django_db


def rendered(rf, monkeypatch, **parameters: str) -> str:
    real = this_site.parameters
    monkeypatch.setattr(this_site, "parameters", lambda atom: Params(**parameters) if atom == "header" else real(atom))
    request = rf.get("/", HTTP_HOST="blog.example.com")
    return "".join(hooks.call("slot", "header", request, {}))


def test_the_name_leads_home(rf, monkeypatch) -> None:
    page = rendered(rf, monkeypatch)
    assert 'rel="home" href="/"' in page
    assert "Test site" in page
    assert 'data-placement="start" data-tone="plain"' in page


def test_parameters_set_words_and_tokens(rf, monkeypatch) -> None:
    page = rendered(rf, monkeypatch, tagline="Letters <from> the harbour", placement="center", tone="band")
    assert "Letters &lt;from&gt; the harbour" in page
    assert 'data-placement="center" data-tone="band"' in page
    assert "style=" not in page


def test_the_logo_is_shown_and_everybody_may_have_it(rf, monkeypatch, settings, tmp_path, client) -> None:
    import io

    from django.core.files.images import ImageFile
    from PIL import Image
    from wagtail.images import get_image_model

    settings.MEDIA_ROOT = str(tmp_path)
    content = io.BytesIO()
    Image.new("RGB", (900, 300), (10, 80, 90)).save(content, "PNG")
    content.seek(0)
    image = get_image_model().objects.create(title="Our logo", file=ImageFile(content, name="logo.png"))
    page = rendered(rf, monkeypatch, logo="Our logo")
    assert 'alt="Test site"' in page
    url = image.get_rendition("max-480x120").url
    assert url in page
    assert client.get(url, HTTP_HOST="blog.example.com").status_code == 200
    assert client.get(image.file.url, HTTP_HOST="blog.example.com").status_code == 404


def test_wrong_parameters_are_refused() -> None:
    for wrong in ({"accent": "reddish"}, {"placement": "left"}, {"colour": "#123"}, {"tagline": "x" * 200}):
        with pytest.raises(ValidationError):
            Params(**wrong)
