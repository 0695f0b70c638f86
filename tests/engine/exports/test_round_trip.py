"""An archive of one site read into another makes an equal site; an archive that was touched makes nothing."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from webstreet.engine.exports import CHECKSUMS, MANIFEST

FILL = Path(__file__).with_name("content_of_a_site.py")
PAGES = """
import json, re
from urllib.parse import urlsplit
from django.test import Client
from wagtail.documents import get_document_model
from wagtail.models import Page
found = {}
web = Client(HTTP_HOST="127.0.0.1:8000")
for page in Page.objects.filter(depth__gt=1).live():
    path = urlsplit(page.specific.full_url).path
    answer = web.get(path)
    text = re.sub(r"<(script|style).*?</[^>]*>", "", answer.content.decode(), flags=re.S)
    links = [link for link in re.findall(r'href="([^"]*)"', text) if not link.startswith(("/media/", "/documents/", "/static/", "/theme/"))]
    found[path] = [answer.status_code, " ".join(re.sub(r"<[^>]*>", " ", text).split()), links]
for document in get_document_model().objects.all():
    for path in (document.url, document.file.url):
        answer = web.get(path)
        found[f"{document.filename} {path.split('/')[1]}"] = [answer.status_code]
for path in ("/old/", "/away/", "/gone/", "/feed/", "/sitemap.xml"):
    answer = web.get(path)
    found[path] = [answer.status_code, answer.headers.get("Location", "")]
print(json.dumps(found))
"""


def contents(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {info.name: archive.extractfile(info).read() for info in archive}


def rows(path: Path) -> dict[str, list]:
    """Rows by kind, in an order of their own."""
    found: dict[str, list] = {}
    for name, data in contents(path).items():
        if name.startswith("rows/"):
            found.setdefault(name.split("/")[1].rsplit("-", 1)[0], []).extend(
                json.loads(line) for line in data.splitlines()
            )
    return found


@pytest.fixture(scope="module")
def filled(shared_sites):
    """(a site with everything in it, its archive). Nothing is changed there."""
    site = shared_sites()
    site.documents("prepare")
    assert site.python(f"exec(open({str(FILL)!r}).read(), {{}})").endswith("filled")
    archive = site.folder / "a.tar.gz"
    site.documents("export", str(archive))
    return site, archive


def test_a_site_read_back_is_an_equal_site(filled, site_processes, tmp_path):
    old, archive = filled
    new = site_processes()
    new.documents("prepare")
    report = new.documents("import", "--from", "webstreet", str(archive))[-1]
    assert report["rejected"] == []
    assert report["notes"] == []
    second = tmp_path / "b.tar.gz"
    new.documents("export", str(second))
    was, now = rows(archive), rows(second)
    assert sorted(was) == sorted(now)
    for kind, found in was.items():
        assert now[kind] == found, kind
    files = [{n: d for n, d in contents(a).items() if n.startswith("files/")} for a in (archive, second)]
    assert files[0] == files[1]
    assert len(files[0]) == 3
    assert {row["file"]: row.get("restricted", False) for row in now["documents"]} == {
        "documents/papier.pdf": False,
        "documents/secret.pdf": True,
    }
    shown, before = (json.loads(site.python(PAGES).splitlines()[-1]) for site in (new, old))
    # A password stays behind: there its readers are asked to sign in instead.
    assert (before.pop("secret.pdf documents"), shown.pop("secret.pdf documents")) == ([200], [302])
    assert shown["secret.pdf media"] == [404]
    assert shown["papier.pdf media"] == [200]
    assert shown == before
    assert [shown[path][0] for path in ("/first/", "/second/", "/old/", "/away/", "/gone/")] == [
        200,
        404,
        301,
        301,
        410,
    ]
    restricted(now["pages"], shown)
    people = {row["email"]: row for row in now["newsletter-subscribers"]}
    assert people["suppressed@b.example"]["status"] == "suppressed"
    assert people["active@b.example"]["lists"]
    assert people["active@b.example"]["consents"][0]["network"] == "192.0.2.0/24"
    again = new.documents("import", "--from", "webstreet", str(archive))[-1]
    assert "taken before" in again["notes"][0]
    refused = old.run("import", "--from", "webstreet", str(second))
    assert json.loads(refused.stdout.splitlines()[-1])["code"] == "import.site_not_empty"
    left_out(old, tmp_path)
    on_standard_output(old, archive)


@pytest.mark.requirement("P5")
@pytest.mark.parametrize("place", ["postgresql", "mariadb"])
def test_a_site_moves_to_a_server(filled, site_processes, databases_on, place, tmp_path):
    old, archive = filled
    new = site_processes(**databases_on(place))
    new.documents("prepare")
    report = new.documents("import", "--from", "webstreet", str(archive))[-1]
    assert (report["rejected"], report["notes"]) == ([], [])
    second = tmp_path / "b.tar.gz"
    new.documents("export", str(second))
    was, now = rows(archive), rows(second)
    assert sorted(was) == sorted(now)
    for kind, found in was.items():
        assert [_meant(row) for row in now[kind]] == [_meant(row) for row in found], kind
    shown, before = (json.loads(site.python(PAGES).splitlines()[-1]) for site in (new, old))
    for found in (shown, before):
        del found["secret.pdf documents"]
    assert shown == before


def _meant(value):
    """PostgreSQL keeps the parts of a document in an order of its own."""
    if isinstance(value, dict):
        return {name: _meant(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_meant(part) for part in value]
    return json.loads(value) if isinstance(value, str) and value.startswith("[{") else value


def restricted(pages, shown):
    """What was not for everybody is not."""
    assert [len(row["restrictions"]) for row in pages].count(1) == 3
    assert {
        path: shown[path][0] for path in ("/by-password/", "/by-password/inside/", "/by-groups/", "/by-login/")
    } == {
        "/by-password/": 200,
        "/by-password/inside/": 200,
        "/by-groups/": 302,
        "/by-login/": 302,
    }
    assert not any("Not for everybody" in str(found) for found in shown.values())


def left_out(old, tmp_path):
    """What lives at the client can stay there."""
    old.documents("export", "--leave-out", "newsletter", str(tmp_path / "without.tar.gz"))
    found = contents(tmp_path / "without.tar.gz")
    assert json.loads(found[MANIFEST])["left_out"] == ["newsletter"]
    assert not any("newsletter" in name for name in found)
    assert b"@b.example" not in b"".join(found.values())


def on_standard_output(old, archive):
    """The same archive, and nothing else."""
    command = [sys.executable, "-m", "webstreet.engine", "export", "-"]
    done = subprocess.run(command, env=old.environ, capture_output=True, timeout=200, check=True)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as found:
        names = found.getnames()
    assert names == list(contents(archive))
    assert (names[0], names[-1]) == (MANIFEST, CHECKSUMS)
    assert gzip.decompress(done.stdout)
