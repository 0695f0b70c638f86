"""An import that is killed at any moment and repeated leaves the same rows as one that was left alone."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import random
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engine import crafted
from tests.engine.conftest import until
from webstreet.testing.sources import WXR_HEAD, WXR_TAIL, write_subscribers, wxr_item

KILLS = 2
TRIES = 5
"""So many kills of one import, until one of them has hit it between its first row and its last."""
ROWS = """
import json
from wagtail.contrib.redirects.models import Redirect
from wagtail.images import get_image_model
from webstreet.atoms.articles.models import Article
from webstreet.atoms.menu.models import MenuLink
from webstreet.atoms.newsletter.models import ConsentRecord, Membership, Subscriber
articles = [[a.external_id, a.title, a.slug, a.visibility, a.live, str(a.published_at), a.revisions.count(), [t.name for t in a.tags.all()],
    [[b["type"], b["value"]] for b in a.body.raw_data]] for a in Article.objects.order_by("external_id")]
names = {str(a.pk): a.slug for a in Article.objects.all()}
menu = [[link.label, link.page and link.page.slug, link.url] for link in MenuLink.objects.order_by("sort_order")]
text = json.dumps(articles)
import re
text = re.sub(r'linktype=..page.. id=..(\\d+)..', lambda m: names[m[1]], text)
print(json.dumps([text, sorted(Redirect.objects.values_list("old_path", "redirect_page__slug")),
    sorted(Subscriber.objects.values_list("email", "status")), ConsentRecord.objects.count(), Membership.objects.count(), menu]))
"""

WITH_FILES = 30


def wordpress(path: Path) -> None:
    def body(number: int) -> str:
        other = number % 30 + 1
        return f'Words.\n\n<a href="https://old.example/2019/01/title-{other}/">another</a>'

    posts = [wxr_item(n, content=body(n)) for n in range(1, 31)]
    path.write_text(WXR_HEAD + "".join([*map(menu, range(1, 31)), *posts]) + WXR_TAIL, "utf-8")


def menu(number: int) -> str:
    """An entry that leads to a post."""
    values = {"_menu_item_object": "post", "_menu_item_object_id": str(31 - number)}
    pair = "<wp:postmeta><wp:meta_key>{}</wp:meta_key><wp:meta_value>{}</wp:meta_value></wp:postmeta>"
    more = "".join(pair.format(key, value) for key, value in values.items())
    return wxr_item(100 + number, content="", kind="nav_menu_item", more=more)


@dataclass(frozen=True, slots=True)
class Calm:
    """An import that nobody disturbed: what was there before and after it.

    ``middle``: after so many lines some of it is written and some is not.
    """

    source: str
    file: Path
    middle: int
    before: list[object]
    after: list[object]


@pytest.fixture(scope="module")
def undisturbed(shared_sites) -> list[Calm]:
    """One import after the other, into one site."""
    site = shared_sites()
    export, readers = site.folder / "export.xml", site.folder / "readers.csv"
    wordpress(export)
    write_subscribers(readers, rows=3000)
    site.documents("prepare")
    found, before = [], held(site)
    for source, file, middle in (("wordpress", export, 3), ("csv", readers, 13)):
        site.documents("import", "--from", source, str(file))
        after = held(site)
        found.append(Calm(source, file, middle, before, after))
        before = after
    return found


@pytest.mark.requirement("P5")
@pytest.mark.parametrize(("place", "kills"), [("embedded", KILLS), ("postgresql", 1), ("mariadb", 1)])
def test_killed_and_repeated_is_the_same_as_undisturbed(undisturbed, site_processes, databases_on, place, kills):
    """The same rows on every database: all are compared with those of a site on SQLite."""
    chance = random.Random()
    killed = site_processes(**databases_on(place))
    killed.documents("prepare")
    for calm in undisturbed:
        moments, halfway = [], False
        while len(moments) < kills or not halfway:
            assert len(moments) < TRIES, f"no kill found {calm.source} half done: {moments}"
            lines = chance.randint(1, 2 * calm.middle - 1) if len(moments) < kills - 1 else calm.middle
            moments.append(kill(killed, calm.source, calm.file, after_lines=lines))
            halfway = halfway or held(killed) not in (calm.before, calm.after)
        killed.documents("import", "--from", calm.source, str(calm.file))
        assert held(killed) == calm.after, moments


def held(site) -> list:
    return json.loads(site.python(ROWS).splitlines()[-1])


def kill(site, source: str, file: Path, *, after_lines: int) -> int:
    """Start the import and kill it when it has said so many lines."""
    command = [sys.executable, "-m", "webstreet.engine", "import", "--from", source, str(file)]
    process = subprocess.Popen(command, env=site.environ, stdout=subprocess.PIPE, text=True)
    for _ in range(after_lines):
        process.stdout.readline()
    process.kill()
    process.wait(30)
    process.stdout.close()
    return after_lines


def wordpress_with_files(path: Path) -> None:
    """An archive of posts with pictures and papers, in its folder of uploads."""
    chance, files, items = random.Random(1), {}, []
    for number in range(1, WITH_FILES + 1):
        name = f"2019/01/{number}.{'jpg' if number % 3 else 'pdf'}"
        noise = chance.randbytes(40_000)
        files[f"uploads/{name}"] = b"%PDF-1.4" + noise if number % 3 == 0 else crafted.picture(size=(300 + number, 200))
        meta = f"<wp:postmeta><wp:meta_key>_wp_attached_file</wp:meta_key><wp:meta_value>{name}</wp:meta_value></wp:postmeta>"
        items.append(wxr_item(100 + number, content="", kind="attachment", status="inherit", more=meta))
        body = f'<img src="https://old.example/wp-content/uploads/{name}" alt="A field">' if number % 3 else "Words."
        items.append(wxr_item(number, content=body))
    with tarfile.open(path, "w:gz") as archive:
        for name, data in {"export.xml": (WXR_HEAD + "".join(items) + WXR_TAIL).encode(), **files}.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def uploaded(site) -> dict[str, str]:
    """Path below the uploads -> checksum."""
    top = site.data / "files"
    return {str(p.relative_to(top)): hashlib.sha256(p.read_bytes()).hexdigest() for p in top.rglob("*") if p.is_file()}


def named(site) -> list:
    """The rows that are there of files."""
    with contextlib.closing(sqlite3.connect(site.data / "site.sqlite3")) as rows:
        every = "SELECT title, file FROM wagtailimages_image UNION ALL SELECT title, file FROM wagtaildocs_document"
        return sorted(rows.execute(every))


@pytest.mark.timeout(600)
@pytest.mark.requirement("P5")
def test_killed_among_its_files_and_repeated_leaves_the_same_files(site_processes):
    """Of WordPress, and of an archive of ours. Nothing stays of the attempt that was killed."""
    calm, archives = site_processes(), {}
    archives["wordpress"], archives["webstreet"] = calm.folder / "export.tar.gz", calm.folder / "site.tar.gz"
    wordpress_with_files(archives["wordpress"])
    calm.documents("prepare")
    others = {source: site_processes() for source in archives}
    for site in others.values():
        shutil.copytree(calm.data, site.data)
    calm.documents("import", "--from", "wordpress", str(archives["wordpress"]))
    calm.run("export", str(archives["webstreet"]))
    files, names, beside = uploaded(calm), named(calm), sorted(p.name for p in calm.data.iterdir())
    assert len(files) == WITH_FILES, "each file once, and nothing made of it yet"
    for source, file in archives.items():
        killed = others[source]
        kill_among_files(killed, source, file)
        assert 0 < len(uploaded(killed)) < WITH_FILES, "it was in the middle"
        assert any(killed.data.glob("webstreet-import-*")) == (source == "wordpress"), (
            "what was unpacked is left by the kill"
        )
        killed.documents("import", "--from", source, str(file))
        assert uploaded(killed) == files, source
        assert named(killed) == names, source
        assert sorted(p.name for p in killed.data.iterdir()) == beside, source


def kill_among_files(site, source: str, file: Path) -> None:
    """Start the import and kill it when a part of the files is there."""
    command = [sys.executable, "-m", "webstreet.engine", "import", "--from", source, str(file)]
    process = subprocess.Popen(command, env=site.environ, stdout=subprocess.DEVNULL)
    try:
        until(lambda: len(list((site.data / "files").rglob("*.*"))) > WITH_FILES // 6, what=f"files of {source}")
    finally:
        process.kill()
        process.wait(30)
