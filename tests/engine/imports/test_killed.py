"""An import that is killed at any moment and repeated leaves the same rows as one that was left alone."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

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


def test_killed_and_repeated_is_the_same_as_undisturbed(site_processes, tmp_path):
    chance = random.Random()
    export, readers = tmp_path / "export.xml", tmp_path / "readers.csv"
    wordpress(export)
    write_subscribers(readers, rows=3000)
    calm, killed = site_processes(), site_processes()
    for site in (calm, killed):
        site.documents("prepare")
    before = held(calm)
    # After so many lines some of it is written and some is not.
    for source, file, middle in (("wordpress", export, 3), ("csv", readers, 13)):
        calm.documents("import", "--from", source, str(file))
        whole, moments, halfway = held(calm), [], False
        while len(moments) < KILLS or not halfway:
            assert len(moments) < TRIES, f"no kill found {source} half done: {moments}"
            lines = chance.randint(1, 2 * middle - 1) if len(moments) < KILLS else middle
            moments.append(kill(killed, source, file, after_lines=lines))
            halfway = halfway or held(killed) not in (before, whole)
        killed.documents("import", "--from", source, str(file))
        assert held(killed) == whole, moments
        assert len(whole[-1]) == 30, "the menu"
        before = whole


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
