"""Articles as readers and editors meet them."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.core.exceptions import ValidationError
from wagtail.rich_text import RichText


def days_ago(days: float) -> dt.datetime:
    return dt.datetime.now(dt.UTC) - dt.timedelta(days=days)


@pytest.mark.requirement("P10")
@pytest.mark.requirement("P1")
def test_articles_load(make, web) -> None:
    make("The first one", published_at=days_ago(2))
    make("The second one", published_at=days_ago(1), intro="Why there is a second one.")
    page = web.get("/").content.decode()
    assert page.index("The second one") < page.index("The first one")
    article = web.get("/the-first-one/")
    assert article.status_code == 200
    assert "<h1>The first one</h1>" in article.content.decode()


def test_an_empty_site_says_so(home, web) -> None:
    assert "The first article will appear on this page." in web.get("/").content.decode()
    assert "Rien n’est encore publié ici." in web.get("/fr/").content.decode()


def test_a_language_without_articles_leads_to_one_that_has_some(make, home, web) -> None:
    hidden = make("For members", visibility="private")
    assert "Rien n’est encore publié ici." in web.get("/fr/").content.decode()
    hidden.delete()
    make("The first one")
    page = web.get("/fr/").content.decode()
    assert "Rien n’a encore paru en français." in page
    assert re.search(r'href="(https://blog.example.com)?/" hreflang="en">Lire ce qui a paru en anglais<', page)


def test_lists_cut_a_text_without_its_last_comma(make, web) -> None:
    make("Rain", text=f"<p>{'il pleut toujours ici, dit-on, ' * 20}</p>")
    make("Sun", intro="il pleut toujours ici, dit-on, " * 15)
    page = web.get("/").content.decode()
    assert page.count("dit-on…</p>") == 2
    assert ",…" not in page


def test_editors_tell_the_homes_apart_and_cannot_nest_them(home) -> None:
    french = home.get_translations().get().specific
    assert home.title == french.title
    assert home.get_admin_display_title() == "Test site (English)"
    assert french.get_admin_display_title() == "Test site (Français)"
    assert not type(home).can_create_at(home)
    assert not type(home).can_create_at(home.get_parent())
    french.delete()
    assert type(home).can_create_at(home.get_parent())


def test_home_shows_one_lead_and_pages_of_ten(make, web) -> None:
    for number in range(13):
        make(f"Number {number:02}", published_at=days_ago(20 - number))
    first, second = web.get("/").content.decode(), web.get("/?page=2").content.decode()
    assert first.count('<article class="lead') == 1
    assert "Number 12" in first
    assert "Number 03" in first
    assert "Number 02" not in first
    assert "Number 02" in second
    assert '<article class="lead' not in second
    assert web.get("/?page=99").status_code == 200
    assert web.get("/?page=x").status_code == 200


def test_previous_and_next_skip_what_is_not_listed(make, web) -> None:
    make("Oldest", published_at=days_ago(4))
    make("Hidden", published_at=days_ago(3), visibility="private")
    make("Middle", published_at=days_ago(2))
    make("Newest", published_at=days_ago(1))
    page = web.get("/middle/").content.decode()
    assert re.search(r'rel="prev" href="/oldest/"', page)
    assert re.search(r'rel="next" href="/newest/"', page)


def test_addresses_are_plain_and_never_those_of_the_site_itself(make, home) -> None:
    assert make("Été à la Rochelle : l’œuvre").slug == "ete-a-la-rochelle-l-oeuvre"
    assert make("Été à la Rochelle : l’œuvre").slug == "ete-a-la-rochelle-l-oeuvre-2"
    with pytest.raises(ValidationError):
        make("Anything", slug="search")


def test_reading_time_grows_with_the_text(make) -> None:
    assert make("Short", "<p>Three short words.</p>").reading_minutes == 1
    assert make("Long", f"<p>{'word ' * 1100}</p>").reading_minutes == 5


def test_the_excerpt_is_the_introduction_or_the_first_words(make) -> None:
    assert make("With", intro="As written.").excerpt == "As written."
    assert make("Without", "<p>One &amp; <b>two</b></p><p>three</p>").excerpt == "One & two three"


def test_cover_has_srcset_size_and_words(make, picture, web) -> None:
    make("Pictured", cover=picture("harbour"), cover_alt="The harbour at dusk")
    page = web.get("/pictured/").content.decode()
    source, image = re.search(r"<picture>(<source [^>]*>)(<img [^>]*alt=\"The harbour at dusk\"[^>]*>)", page).groups()
    assert 'type="image/webp"' in source
    assert re.search(r'srcset="[^"]+\.webp 480w, [^"]+\.webp 800w, [^"]+\.webp 1200w, [^"]+\.webp 1300w"', source)
    assert re.search(r'src="[^"]+\.jpg"', image)
    assert 'width="1300" height="800"' in image
    assert 'property="og:image" content="https://blog.example.com/media/' in page


def test_canonical_address_and_open_graph_use_the_public_base(make, web) -> None:
    make("Known", intro="What it is about.")
    page = web.get("/known/").content.decode()
    assert '<link rel="canonical" href="https://blog.example.com/known/">' in page
    assert '<meta property="og:title" content="Known">' in page
    assert '<meta name="description" content="What it is about.">' in page


def test_a_deleted_public_article_is_gone_and_a_deleted_private_one_never_was(make, web) -> None:
    make("Read by many").delete()
    make("Read by few", visibility="private").delete()
    assert web.get("/read-by-many/").status_code == 410
    assert web.get("/read-by-few/").status_code == 404
    make("Read by many")
    assert web.get("/read-by-many/").status_code == 200


def test_preview_shows_a_draft_and_revisions_keep_identity_and_date(make, editor_web) -> None:
    article = make("Draft", live=False, visibility="private")
    response = article.make_preview_request(original_request=None)
    assert response.status_code == 200
    assert b"Draft" in response.content
    article.save_revision().publish()
    article.refresh_from_db()
    first, uuid = article.published_at, article.uuid
    assert first is not None
    again = article.get_latest_revision_as_object()
    again.title = "Draft, again"
    again.save_revision().publish()
    article.refresh_from_db()
    assert (article.title, article.published_at, article.uuid) == ("Draft, again", first, uuid)


def test_a_copy_is_another_article(make) -> None:
    article = make("Original")
    article.save_revision().publish()
    copy = article.copy(update_attrs={"slug": "copy", "title": "Copy"})
    assert copy.uuid != article.uuid
    copy.get_latest_revision().publish()
    copy.refresh_from_db()
    assert copy.uuid != article.uuid


def test_the_editor_can_write_and_publish(make, home, editor_web) -> None:
    page = editor_web.get(f"/admin/pages/add/articles/article/{home.pk}/")
    assert page.status_code == 200
    assert b"Who may read it" in page.content
    edit = editor_web.get(f"/admin/pages/{make('Existing').pk}/edit/")
    assert edit.status_code == 200


def test_the_french_tree_speaks_french(home, make, web) -> None:
    french = home.get_translations().get(locale__language_code="fr").specific
    make("Été", parent=french, published_at=days_ago(1), locale=french.locale, authors=())
    page = web.get("/fr/ete/").content.decode()
    assert '<html lang="fr" dir="ltr">' in page
    assert "minute de lecture" in page
    assert re.search(r"<time datetime=\"[^\"]+\">\d+ \w+\.? \d{4}</time>", page)
    assert "Été" not in web.get("/").content.decode()
    assert 'hreflang="en"' in web.get("/fr/").content.decode()


def test_blocks_of_every_kind_render(make, picture, web) -> None:
    make(
        "Blocks",
        body=[
            ("text", RichText("<h2>Part</h2><p>Text</p>")),
            ("image", {"image": picture("inline"), "caption": "Caption", "wide": True}),
            ("quote", {"text": "Said <so>", "who": "Somebody", "source": ""}),
            ("code", {"code": "if a < b: pass", "caption": ""}),
            ("menu", {"title": "Where to go"}),
            ("heading", {"title": "Look", "text": "Here", "link": "https://example.com/", "link_text": "Go"}),
            ("notice", {"text": RichText("<b>Note</b>")}),
        ],
    )
    page = web.get("/blocks/").content.decode()
    for part in ("Said &lt;so&gt;", "if a &lt; b: pass", 'class="wide"', "Where to go", ">Go</a>", "<b>Note</b>"):
        assert part in page, part
