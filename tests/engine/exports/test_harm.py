"""An archive whose checksums are right, made by somebody who means harm to readers."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from uuid import uuid4

import pytest

from webstreet.atoms.menu.models import MenuLink
from webstreet.contract.template import shipped_template
from webstreet.engine import hooks
from webstreet.engine import site as this_site
from webstreet.engine.exports import CHECKSUMS
from webstreet.engine.imports import ImportContext
from webstreet.engine.imports.content import Content, RowDamaged

FILL = """
import json
from wagtail.models import Site
from webstreet.atoms.articles.models import Article
home = Site.objects.get(is_default_site=True).root_page
found = Article(title="Harm", slug="harm", locale=home.locale)
home.add_child(instance=found)
found.body = json.dumps([
    {"type": "text", "value": "<p>Harmless words</p>"},
    {"type": "quote", "value": {"text": "Said", "who": "", "source": "https://source.example/"}},
])
found.save_revision().publish()
found.body = json.dumps([{"type": "text", "value": "<p>Harmless words, changed</p>"}])
found.save_revision()
"""
SHOW = """
import json
from django.test import Client
from webstreet.atoms.articles.models import Article
page = Article.objects.get(slug="harm")
bodies = [json.dumps(list(page.body.raw_data)), *(json.dumps(revision.content["body"]) for revision in page.revisions.all())]
print(json.dumps([Client(HTTP_HOST="127.0.0.1:8000").get("/harm/").content.decode(), *bodies]))
"""
HARM = (
    "<p onclick='alert(31)'>Harmless words<script>alert(32)</script><a href='javascript:alert(33)'>here</a>"
    "<img src=x onerror=alert(34)></p>"
)


def changed(archive: Path, target: Path, old: str, new: str) -> int:
    """Write ``archive`` with other pages and fitting checksums; how often ``old`` was in it."""
    with tarfile.open(archive) as source:
        members = {info.name: source.extractfile(info).read() for info in source}
    before, after = (json.dumps(json.dumps(text, ensure_ascii=False), ensure_ascii=False)[3:-3] for text in (old, new))
    names = [name for name in members if name.startswith("rows/pages-")]
    found = sum(members[name].decode().count(before) for name in names)
    for name in names:
        members[name] = members[name].decode().replace(before, after).encode()
    end = json.loads(members.pop(CHECKSUMS))
    end["sha256"] = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
    with tarfile.open(target, "w:gz") as out:
        for name, data in {**members, CHECKSUMS: json.dumps(end).encode()}.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))
    return found


@pytest.fixture
def archive(site_processes, tmp_path):
    site = site_processes()
    site.documents("prepare")
    site.python(FILL)
    site.documents("export", str(tmp_path / "good.tar.gz"))
    return tmp_path / "good.tar.gz"


def test_nothing_of_an_archive_acts_in_a_reader_s_browser(archive, site_processes, tmp_path):
    site = site_processes()
    site.documents("prepare")
    acting = tmp_path / "address.tar.gz"
    assert changed(archive, acting, "https://source.example/", "javascript:alert(35)")
    refused = site.run("import", "--from", "webstreet", str(acting))
    assert json.loads(refused.stdout.splitlines()[-1])["code"] == "archive.row"
    harmful = tmp_path / "markup.tar.gz"
    assert changed(archive, harmful, "<p>Harmless words", HARM + "<p>") >= 2
    site.documents("import", "--from", "webstreet", str(harmful))
    answer, *bodies = json.loads(site.python(SHOW).splitlines()[-1])
    assert "Harmless words" in answer
    assert len(bodies) >= 3
    for text in (answer, *bodies):
        assert "alert(" not in text
        assert "onclick" not in text
        assert "onerror" not in text


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address", ["javascript:alert(36)", "data:text/html,<script>alert(37)</script>", " javascript:alert(38)"]
)
def test_no_link_of_the_menu_acts(address):
    home = _new_site()
    content = Content(ImportContext("webstreet"))
    row = {
        "translation_key": str(uuid4()),
        "locale": "en",
        "sort_order": 1,
        "label": "Here",
        "page": None,
        "url": address,
    }
    with pytest.raises(RowDamaged):
        content.take("menu-links", iter([row]))
    content.take("menu-links", iter([row | {"url": "https://elsewhere.example/"}]))
    assert MenuLink.objects.get().locale == home.locale


def _new_site():
    hooks.call("starter_content", this_site.current(), shipped_template("publication"))
    return this_site.home_page()
