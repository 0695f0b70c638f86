"""WordPress's exports: what is taken, what is said of the rest, and that nothing of a bad one stays."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest
from django.test import Client
from django.utils import translation
from PIL import Image as Pillow
from wagtail.contrib.redirects.models import Redirect
from wagtail.documents import get_document_model
from wagtail.images import get_image_model

from tests.engine.imports.conftest import Quiet, served
from webstreet.engine.imports import attachments, wordpress
from webstreet.engine.imports.archives import ArchiveRefused
from webstreet.engine.imports.fetching import Budget
from webstreet.engine.imports.wxr import ExportInvalid
from webstreet.testing.sources import WXR_HEAD, WXR_TAIL, wxr_item

pytestmark = pytest.mark.django_db(databases=["default", "newsletter"])
META = "<wp:postmeta><wp:meta_key><![CDATA[{}]]></wp:meta_key><wp:meta_value><![CDATA[{}]]></wp:meta_value></wp:postmeta>\n"


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    """A site with its home pages, whose files go to a folder of the test."""
    from django.db import transaction

    from webstreet.engine import hooks, site

    settings.MEDIA_ROOT = str(tmp_path / "media")
    from webstreet.engine.preparation import _wagtail_site

    with transaction.atomic():
        _wagtail_site()
    hooks.call("starter_content", site.current(), None)


def attachment(number: int, file: str, **meta: str) -> str:
    more = "".join(META.format(key, value) for key, value in ({"_wp_attached_file": file} | meta).items())
    more += f"<wp:attachment_url><![CDATA[https://old.example/wp-content/uploads/{file}]]></wp:attachment_url>\n"
    return wxr_item(number, content="", kind="attachment", status="inherit", more=more)


def menu(
    number: int,
    kind: str,
    target: str = "",
    url: str = "",
    order: int = 1,
    title: str = "",
    parent: int = 0,
    of: str = "main",
) -> str:
    values = {"object": kind, "object_id": target, "url": url, "menu_item_parent": str(parent)}
    more = "".join(META.format(f"_menu_item_{key}", value) for key, value in values.items())
    more += f'<category domain="nav_menu" nicename="{of}"><![CDATA[{of}]]></category>\n'
    item = wxr_item(number, content="", kind="nav_menu_item", more=more)
    return item.replace("<wp:menu_order>0", f"<wp:menu_order>{order}").replace(f"Title {number}]", f"{title}]")


def export(*items: str) -> str:
    return WXR_HEAD + "".join(items) + WXR_TAIL


def picture() -> bytes:
    out = io.BytesIO()
    Pillow.new("RGB", (40, 30), "red").save(out, "JPEG")
    return out.getvalue()


def run(tmp_path: Path, text: str | bytes, files: dict[str, bytes] | None = None, **options):
    path = tmp_path / "file"
    data = text.encode() if isinstance(text, str) else text
    if files is None:
        path.write_bytes(data)
    else:
        with tarfile.open(path, "w:gz") as archive:
            for name, content in {"export.xml": data, **files}.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return wordpress.run(path, lambda step, done, total: None, **options)


def article(number: int):
    from webstreet.atoms.articles.models import Article

    return Article.objects.get(source="wordpress", external_id=str(number))


def content(number: int) -> list:
    return [(b["type"], b["value"]) for b in article(number).body.raw_data]


def test_posts_with_their_statuses_authors_terms_and_addresses(tmp_path):
    protected = wxr_item(5, content="x").replace("<wp:post_password><![CDATA[", "<wp:post_password><![CDATA[secret")
    future = wxr_item(4, content="x", status="future").replace("2019-01-05", "2099-01-05")
    comments = "<wp:comment><wp:comment_id>1</wp:comment_id><wp:comment_author_email>eve@example.org</wp:comment_author_email></wp:comment>"
    report = run(
        tmp_path,
        export(
            wxr_item(1, content="One.\n\nTwo\nlines.", more=comments),
            wxr_item(2, content="x", status="draft"),
            wxr_item(3, content="x", status="private"),
            future, protected,
            wxr_item(6, content="x", status="trash"),
            wxr_item(7, content="x", status="wc-completed"),
            wxr_item(8, content="x", kind="product"),
            wxr_item(9, content="x", status="future"),
        ),
    )  # fmt: skip
    assert report.created["articles"] == 6
    assert report.counted == {"comments": 1, "trash": 1, "product": 1}
    assert [r.reason for r in report.rejected] == ["its status is not one of WordPress's own (id 7)"]
    assert report.rejected[0].line == 1 + WXR_HEAD.count("\n") + sum(
        wxr_item(n, content="x").count("\n") for n in range(2, 7)
    ) + wxr_item(1, content="One.\n\nTwo\nlines.", more=comments).count("\n")
    assert [(article(n).live, article(n).visibility) for n in (1, 2, 3, 4, 5, 9)] == [
        (True, "public"), (False, "public"), (True, "private"), (False, "public"), (True, "private"), (True, "public"),
    ]  # fmt: skip
    one = article(1)
    assert content(1) == [("text", "<p>One.</p><p>Two<br>lines.</p>")]
    assert (one.slug, one.published_at.isoformat()) == ("title-1", "2019-01-02T08:01:00+00:00")
    assert [a.name for a in one.authors.all()] == ["Ann Other"]
    assert [t.name for t in one.tags.all()] == ["News"]
    assert article(4).go_live_at.year == 2099
    assert article(4).latest_revision.approved_go_live_at == article(4).go_live_at
    assert Client().get("/2019/01/title-1/").headers["Location"] == one.url
    assert "eve@" not in report.model_dump_json()
    assert any("had a password" in lost.reason for lost in report.lost)


def test_again_changes_nothing_and_an_editor_wins(tmp_path):
    text = export(
        wxr_item(1, content="a <a href='https://old.example/2019/01/title-2/'>later</a>"), wxr_item(2, content="b")
    )
    run(tmp_path, text)
    assert content(1) == [("text", f'<p>a <a linktype="page" id="{article(2).pk}">later</a></p>')]
    again = run(tmp_path, text)
    assert (again.created, again.updated) == ({}, {})
    assert article(1).revisions.count() == 1
    edited = article(2)
    edited.title = "By hand"
    edited.save_revision().publish()
    report = run(tmp_path, text.replace("[b]", "[c]").replace("CDATA[a ", "CDATA[A "))
    assert (report.updated, article(2).title) == ({"articles": 1}, "By hand")


def test_pages_and_their_tree(tmp_path):
    from webstreet.atoms.pages.models import StandardPage

    child = wxr_item(12, content="below", kind="page").replace("<wp:post_parent>0", "<wp:post_parent>11")
    text = export(
        wxr_item(10, content="ten", kind="page"),
        wxr_item(11, content="eleven", kind="page"),
        child,
        wxr_item(13, content="mine", kind="page", status="private"),
    )
    report = run(tmp_path, text)
    pages = {p.slug: p for p in StandardPage.objects.all()}
    assert pages["title-12"].is_child_of(pages["title-11"])
    assert not any(pages[f"title-{n}"].show_in_menus for n in (10, 11, 12))
    assert not pages["title-13"].live
    assert "Title 13" not in report.model_dump_json()
    assert run(tmp_path, text).updated == {}


MENU = (
    menu(26, "page", "10", order=1, of="foot"),
    menu(20, "page", "11", order=2),
    menu(21, "post", "1", order=1, title="Latest words"),
    menu(22, "custom", url="https://elsewhere.example/", order=3, title="Elsewhere", parent=20),
    menu(23, "custom", url="https://old.example/2019/01/title-10/#team", order=4, title="Team", parent=20),
    menu(24, "custom", url="https://old.example", order=5, title="Start"),
    menu(25, "page", "13", order=6),
    menu(27, "custom", url="javascript:alert(1)", order=7, title="Harm"),
    menu(28, "category", "3", order=8, title="News"),
    menu(29, "page", "99", order=9),
    menu(40, "custom", url="#", order=10, title="More"),
    menu(41, "custom", url="/shop/", order=11, title="Shop"),
)
IN_MENU = (
    wxr_item(1, content="one"),
    wxr_item(10, content="ten", kind="page"),
    wxr_item(11, content="eleven", kind="page"),
    wxr_item(13, content="mine", kind="page", status="private"),
)


def shown() -> list[tuple[str, str]]:
    from webstreet.atoms.menu.entries import entries

    with translation.override("en"):
        return [(entry.label, entry.url) for entry in entries(None)]


def test_menus_become_the_menu(tmp_path):
    from webstreet.atoms.menu.models import MenuLink

    text = export(*MENU, *IN_MENU)
    report = run(tmp_path, text)
    assert report.created["menu entries"] == 7
    assert shown()[:6] == [
        ("Title 10", "/title-10/"),
        ("Latest words", "/title-1/"),
        ("Title 11", "/title-11/"),
        ("Elsewhere", "https://elsewhere.example/"),
        ("Start", "/"),
        ("Search", "/search/"),
    ], "one address once, a draft not at all"
    assert MenuLink.objects.filter(page__title="Title 13").exists(), "it is shown as soon as everybody may read it"
    reasons = [lost.reason for lost in report.lost if "menu" in lost.reason]
    assert len(reasons) == 5
    for words in (
        '"Harm"',
        '"News" leads to the type "category"',
        "a page that is not here",
        '"More"',
        "/shop/ of the old site",
    ):
        assert any(words in reason for reason in reasons), words
    assert any("2 menus (foot, main)" in note for note in report.notes)
    assert any(note.startswith("2 menu entries stood below") for note in report.notes)


def test_menus_again_are_the_same_and_an_editor_wins(tmp_path):
    from webstreet.atoms.menu.models import MenuLink

    text = export(*MENU, *IN_MENU)
    run(tmp_path, text)
    before = list(MenuLink.objects.values_list("pk", "sort_order"))
    again = run(tmp_path, text)
    assert (again.created, again.updated, again.unchanged["menu entries"]) == ({}, {}, 7)
    assert list(MenuLink.objects.values_list("pk", "sort_order")) == before
    MenuLink.objects.filter(label="Start").update(label="By hand")
    changed = run(tmp_path, text.replace("[Start]", "[Begin]").replace("[Elsewhere]", "[Far away]"))
    assert changed.updated == {"menu entries": 1}
    assert {"By hand", "Far away"} < set(MenuLink.objects.values_list("label", flat=True))


class _OldSite(Quiet):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/pdf")
        self.end_headers()
        self.wfile.write(b"%PDF-1.4")


@pytest.fixture
def old_site():
    """Answers everything with a PDF; its address."""
    with served(_OldSite) as address:
        yield address


def test_fetching_ends_with_its_budget_and_goes_on_with_the_next_import(tmp_path, old_site):
    text = export(*(attachment(number, f"2019/01/{number}.pdf") for number in (1, 2, 3)))
    text = text.replace("https://old.example/wp-content", f"{old_site}/wp-content")

    def budget() -> Budget:
        return Budget(most_files=2, allowed=lambda address, port: True)

    report = run(tmp_path, text, fetch=budget())
    assert report.created == {"documents": 2}
    (rejected,) = report.rejected
    assert "what may be fetched is fetched" in rejected.reason
    assert any("2 files" in note and "at most 2 files, 2147 MB and 30 minutes" in note for note in report.notes)
    again = run(tmp_path, text, fetch=budget())
    assert (again.created, again.unchanged["documents"], again.rejected) == ({"documents": 1}, 2, [])
    assert run(tmp_path, text).notes == [], "not asked, nothing fetched"


def test_a_draft_with_a_password_is_a_draft_and_the_loss_is_told(tmp_path):
    draft = wxr_item(5, content="x", status="draft").replace(
        "<wp:post_password><![CDATA[", "<wp:post_password><![CDATA[secret"
    )
    report = run(tmp_path, export(draft))
    assert not article(5).live
    (lost,) = report.lost
    assert lost.reason.startswith("number 5: it is a draft with a password")
    assert "secret" not in report.model_dump_json()
    assert "Title 5" not in report.model_dump_json()


@pytest.mark.parametrize("date", ["2019-01-15", "2099-01-15"])
def test_a_page_with_a_password_does_not_become_public_when_its_day_comes(tmp_path, date):
    from webstreet.atoms.pages.models import StandardPage

    page = wxr_item(14, content="x", kind="page", status="future").replace("2019-01-15", date)
    report = run(tmp_path, export(page.replace("<wp:post_password><![CDATA[", "<wp:post_password><![CDATA[secret")))
    taken = StandardPage.objects.get(slug="title-14")
    assert (taken.live, taken.go_live_at, taken.latest_revision.approved_go_live_at) == (False, None, None)
    assert any("had a password" in lost.reason for lost in report.lost)


def test_files_come_from_the_archive(tmp_path):
    body = (
        '<!-- wp:image {"id":30} --><figure><img class="wp-image-30" src="https://old.example/wp-content/uploads/2019/01/a-300x200.jpg"'
        ' alt="A red field"><figcaption>Red</figcaption></figure><!-- /wp:image --><p><a href="/wp-content/uploads/2019/01/b.pdf">paper</a>'
        '</p>[gallery ids="30,31"]'
    )
    text = export(
        attachment(30, "2019/01/a.jpg", _wp_attachment_image_alt="Red"),
        attachment(31, "2019/01/gone.jpg"),
        attachment(32, "2019/01/b.pdf"),
        attachment(33, "2019/01/c.exe"),
        attachment(34, "2019/01/fake.png"),
        wxr_item(1, content=body, more=META.format("_thumbnail_id", "30")),
    )
    files = {
        "uploads/2019/01/a.jpg": picture(),
        "wp-content/uploads/2019/01/b.pdf": b"%PDF-1.4",
        "uploads/2019/01/fake.png": b"MZ",
    }
    report = run(tmp_path, text, files)
    assert (report.created["images"], report.created["documents"]) == (1, 1)
    image, document = get_image_model().objects.get(), get_document_model().objects.get()
    assert [r.reason.partition("(id")[2] for r in report.rejected] == [" 31)", " 33)", " 34)"]
    assert (image.width, image.description, article(1).cover_id) == (40, "Red", image.pk)
    kinds = [kind for kind, _ in content(1)]
    assert kinds == ["image", "text", "image", "text"]
    assert content(1)[0][1]["image"] == {"image": image.pk, "decorative": False, "alt_text": "A red field"}
    assert f'linktype="document" id="{document.pk}"' in content(1)[1][1]
    again = run(tmp_path, text, files)
    assert (again.created, again.updated, get_image_model().objects.count()) == ({}, {}, 1)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda x: x[:-40], "wxr.truncated"),
        (lambda x: x.replace("<rss", '<!DOCTYPE rss [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><rss', 1), "wxr.entities"),
        (lambda x: x.replace("<rss", '<!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/passwd">]><rss', 1), "wxr.entities"),
        (lambda x: x.encode()[:900] + b"\xff" + x.encode()[900:], "wxr.encoding"),
        (lambda x: x.replace("UTF-8", "EBCDIC", 1), "wxr.encoding"),
        (lambda x: x.replace("1.2</wp", "7.0</wp"), "wxr.version"),
        (lambda x: "hello", "wxr.not_wxr"),
        (lambda x: '<?xml version="1.0"?><rss><channel/></rss>', "wxr.not_wxr"),
        (lambda x: x.replace("</item>", "</itm>", 1), "wxr.invalid"),
    ],
)  # fmt: skip
def test_a_damaged_export_changes_nothing(tmp_path, spoil, code):
    from webstreet.atoms.articles.models import Article

    before = Article.objects.count()
    with pytest.raises(ExportInvalid) as caught:
        run(tmp_path, spoil(export(*(wxr_item(n, content="x") for n in range(1, 60)))))
    assert caught.value.error_code == code
    assert caught.value.problems[0].path.startswith("line ")
    assert Article.objects.count() == before


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_other_encodings_are_read(tmp_path, encoding):
    name = {"utf-8-sig": "UTF-8", "utf-16": "UTF-16", "cp1252": "windows-1252"}[encoding]
    run(tmp_path, export(wxr_item(1, content="été")).replace("UTF-8", name, 1).encode(encoding))
    assert content(1) == [("text", "<p>été</p>")]


def test_what_was_mended_is_said_with_line_and_post(tmp_path):
    body = "one\n\ntwo <script>alert(1)</script><img src=x onerror=alert(1)>\n\n[contact-form id=3]\n<a href='javascript:x'>j</a>\x0b"
    first = export(wxr_item(1, content=body))
    line = first[: first.index("two <script>")].count("\n") + 1
    same = wxr_item(2, content="x").replace("title-2]]", "title-1]]")
    report = run(tmp_path, export(wxr_item(1, content=body), same, wxr_item(1, content="again")))
    text = json.dumps(content(1))
    assert "alert" not in text
    assert "javascript" not in text
    said = [(lost.line, lost.reason) for lost in report.lost]
    assert (line, '"Title 1": <script> was left out') in said
    assert (line + 2, '"Title 1": the shortcode [contact-form] is not known; it is kept as words') in said
    assert (line + 3, "a character that XML does not allow was replaced") in said
    assert any('"title-1" became "title-1-2"' in reason for _, reason in said)
    assert [r.reason for r in report.rejected] == ["the number occurs a second time; the first is taken (id 1)"]


def test_a_text_that_is_too_long_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("webstreet.engine.imports.wordpress.BODY_MAX", 1000)
    report = run(tmp_path, export(wxr_item(1, content="x" * 2000), wxr_item(2, content="y")))
    assert (report.created["articles"], report.rejected[0].reason) == (
        1,
        "its text has more than 0 million characters (id 1)",
    )
    monkeypatch.setattr("webstreet.engine.imports.wxr.FIELD_MAX", 10_000)
    with pytest.raises(ExportInvalid) as caught:
        run(tmp_path, export(wxr_item(3, content="z" * 20_000)))
    assert caught.value.error_code == "wxr.too_long"


def _zip(path: Path, *entries: tuple[str, bytes, int]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data, mode in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (("../../evil.jpg", b"x", 0o100644), "archive.path"),
        (("/etc/evil.jpg", b"x", 0o100644), "archive.path"),
        (("C:\\evil.jpg", b"x", 0o100644), "archive.path"),
        (("uploads/link.jpg", b"/etc/passwd", 0o120777), "archive.link"),
        (("uploads/bomb.jpg", b"\0" * 120_000_000, 0o100644), "archive.bomb"),
    ],
)
def test_an_archive_made_to_do_harm_is_refused(tmp_path, entry, code):
    _zip(tmp_path / "file.zip", ("export.xml", export(wxr_item(1, content="x")).encode(), 0o100644), entry)
    with pytest.raises(ArchiveRefused) as caught:
        wordpress.run(tmp_path / "file.zip", lambda *a: None)
    assert caught.value.error_code == code
    assert not Redirect.objects.exists()
    assert not list(tmp_path.rglob("evil*"))


@pytest.mark.parametrize(
    "names",
    [
        ("uploads/a.jpg", "uploads/a.jpg/b.jpg"),
        ("uploads/a.jpg/b.jpg", "uploads/a.jpg"),
        ("old/uploads/a.jpg", "new/uploads/a.jpg/b.jpg"),
        ("a.jpg/b.jpg", "uploads/a.jpg"),
    ],
)
def test_names_that_cannot_both_be_are_refused(tmp_path, names):
    files = [(name, picture(), 0o100644) for name in names]
    _zip(tmp_path / "file.zip", *files, ("export.xml", export(wxr_item(1, content="x")).encode(), 0o100644))
    with pytest.raises(ArchiveRefused) as caught:
        wordpress.run(tmp_path / "file.zip", lambda *a: None)
    assert caught.value.error_code == "archive.names"
    assert not list((attachments.beside_the_data() or tmp_path).glob("webstreet-import-*"))
    assert not Redirect.objects.exists()


OLD_ITEM = """<item>
<title>Old times</title>
<link>https://old.example/2007/05/old-times/</link>
<pubDate>Tue, 01 May 2007 10:00:00 +0000</pubDate>
<dc:creator>{creator}</dc:creator>
<category><![CDATA[Sea]]></category>
<category domain="category" nicename="sea"><![CDATA[Sea]]></category>
<category domain="tag"><![CDATA[tides]]></category>
<category domain="{tag}" nicename="tides"><![CDATA[tides]]></category>
<guid isPermaLink="false">https://old.example/?p=7</guid>
<content:encoded><![CDATA[One.\n\nTwo.]]></content:encoded>
<excerpt:encoded><![CDATA[Before.]]></excerpt:encoded>
<wp:post_id>7</wp:post_id>
<wp:post_date>2007-05-01 12:00:00</wp:post_date>
<wp:post_date_gmt>2007-05-01 10:00:00</wp:post_date_gmt>
<wp:comment_status>open</wp:comment_status>
<wp:ping_status>open</wp:ping_status>
<wp:post_name>old-times</wp:post_name>
<wp:status>publish</wp:status>
<wp:post_parent>0</wp:post_parent>
<wp:menu_order>0</wp:menu_order>
<wp:post_type>post</wp:post_type>
<wp:post_password></wp:post_password>
</item>
"""
"""As WordPress 2.1 to 3.2 wrote it: no CDATA around short texts, each category and tag twice."""


@pytest.mark.parametrize(("version", "creator", "tag"), [("1.0", "Ann Other", "tag"), ("1.1", "ann", "post_tag")])
def test_exports_of_older_releases(tmp_path, version, creator, tag):
    """1.0 has no list of authors: an item names its author as readers know them."""
    head = WXR_HEAD.replace("export/1.2/", f"export/{version}/").replace("version>1.2<", f"version>{version}<")
    if version == "1.0":
        head = head[: head.index("<wp:author>")]
        head += "<wp:category><wp:category_nicename>sea</wp:category_nicename><wp:cat_name><![CDATA[Sea]]></wp:cat_name></wp:category>\n"
    report = run(tmp_path, head + OLD_ITEM.format(creator=creator, tag=tag) + WXR_TAIL)
    made = article(7)
    assert (report.created["articles"], report.rejected, report.lost) == (1, [], [])
    assert (made.title, made.slug, made.intro) == ("Old times", "old-times", "Before.")
    assert made.published_at.isoformat() == "2007-05-01T10:00:00+00:00"
    assert [author.name for author in made.authors.all()] == ["Ann Other"]
    assert sorted(made.tags.names()) == ["Sea", "tides"]
    assert Redirect.objects.filter(old_path="/2007/05/old-times", redirect_page=made).exists()
