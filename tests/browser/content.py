"""Run inside a site's Django: articles, pages and people of every kind that a screen must stand. Prints their addresses as JSON, last."""

import datetime as dt
import io
import json

from django.core.files.base import ContentFile
from django.core.files.images import ImageFile
from django.utils import timezone
from PIL import Image as Picture
from PIL import ImageDraw
from wagtail.documents import get_document_model
from wagtail.images import get_image_model
from wagtail.models import Collection, CollectionViewRestriction, PageViewRestriction, ReferenceIndex, Site
from wagtail.rich_text import RichText

from webstreet.atoms.articles.models import Article, Author, ReadingList, ReadingListEntry
from webstreet.atoms.menu.models import MenuLink
from webstreet.atoms.pages.models import StandardPage
from webstreet.engine.accounts.models import SecuritySettings

NOW = timezone.now()
LONG_WORD = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverordnung"
TITLE_200 = (
    f"A title of two hundred characters, as an editor in a hurry pastes it: {LONG_WORD}, and then some more of it " * 2
)[:200]
PARAGRAPH = (
    "An octopus decides within a second whether you are food, danger or furniture. Hold out one finger and wait: if it stays, a single"
    " arm will come, slow as honey, and taste you with a few dozen suckers. It is not a handshake; it is reading."
)
FRENCH = (
    "À marée descendante, la grève change de propriétaire. Les crabes sortent les premiers, puis les enfants, puis ceux qui cherchent des"
    " palourdes avec un râteau et un seau percé. On ne trouve jamais ce que l’on cherche."
)
ARABIC = "للأخطبوط ثلاثة قلوب ودم أزرق، وهو يقرأ العالم بأذرعه الثماني قبل أن يراه بعينيه. انتظر قليلا ولا تتحرك."
HEBREW = "לתמנון שלושה לבבות ודם כחול, והוא קורא את העולם בזרועותיו לפני שהוא רואה אותו בעיניו."
CODE = (
    "def greet(octopus):\n    while not octopus.trusts(you):\n"
    "        wait(minutes=1)  # and do not move, whatever happens, however long it takes, please\n"
)


def image(name: str, size: tuple[int, int], colours: tuple[str, str]) -> object:
    """A drawn sea: two fields of colour and a sun."""
    drawn = Picture.new("RGB", size, colours[0])
    pen = ImageDraw.Draw(drawn)
    pen.rectangle((0, size[1] * 0.6, *size), fill=colours[1])
    pen.ellipse((size[0] * 0.62, size[1] * 0.22, size[0] * 0.62 + size[1] * 0.3, size[1] * 0.52), fill="#f2d9a0")
    content = io.BytesIO()
    drawn.save(content, "JPEG", quality=88)
    content.seek(0)
    return get_image_model().objects.create(
        title=name, file=ImageFile(content, name=f"{name}.jpg"), description=f"A drawing: {name}"
    )


def text(markup: str) -> tuple[str, object]:
    return "text", RichText(markup)


def article(parent: object, title: str, body: list[object], *, days_ago: float, **fields: object) -> Article:
    tags, authors = fields.pop("tags", ()), fields.pop("authors", ())
    made = Article(title=title, body=body, published_at=NOW - dt.timedelta(days=days_ago), **fields)
    made.announcement_suppressed = True
    made.tags.add(*tags)
    made.authors = list(authors)
    parent.add_child(instance=made)
    made.save_revision().publish()
    return Article.objects.get(pk=made.pk)


home = Site.objects.get(is_default_site=True).root_page.specific
home.intro = "Notes from the shore, on what the sea brings and what it takes."
home.save_revision().publish()
french = home.get_translations().get(locale__language_code="fr").specific
cover = image("Evening tide", (2400, 1350), ("#9db8bf", "#3d6470"))
tall = image("Pier", (900, 1200), ("#d8c9b0", "#6d5a48"))
maud = Author.objects.create(
    name="Maud Le Goff", slug="maud", bio="Keeps the tide tables of a small harbour, and writes on Sundays."
)
yann = Author.objects.create(name="Yann " + LONG_WORD, slug="yann")
harbour = Collection.get_first_root_node().add_child(name="Harbour")
CollectionViewRestriction.objects.create(collection=harbour, restriction_type="password", password="low tide")
table = get_document_model().objects.create(
    title="Tide table", collection=harbour, file=ContentFile(b"High water at noon.", name="tides.txt")
)

blocks = [
    text(
        f"<h2>How it begins</h2><p>{PARAGRAPH}"
        f" <a href='https://example.com/a/long/address'>A link</a> stands in it, and <code>code</code>.</p>"
        f"<p>{PARAGRAPH}</p><h3>What one needs</h3><ul><li>a finger</li><li>time, more than one has</li></ul>"
        f"<ol><li>First</li><li>Then</li></ol>"
        f"<blockquote>It is not a handshake.</blockquote><hr/><h4>And {LONG_WORD}</h4><p>{PARAGRAPH}</p>"
    ),
    (
        "image",
        {
            "image": {"image": cover, "decorative": False, "alt_text": "The shore at low tide"},
            "caption": "Low tide, drawn from memory",
            "wide": True,
        },
    ),
    text(f'<p>{PARAGRAPH} <a linktype="document" id="{table.pk}">The tide table</a> has more.</p>'),
    ("image", {"image": {"image": tall, "decorative": False, "alt_text": "A pier"}, "caption": "", "wide": False}),
    (
        "quote",
        {
            "text": "Nobody asked her, and nobody will: she is furniture.",
            "who": "Yann",
            "source": "https://example.com/",
        },
    ),
    ("code", {"code": CODE, "caption": "A greeting"}),
    ("menu", {"title": "Where to go"}),
    (
        "heading",
        {
            "title": "Look closer",
            "text": "There is more to see under the pier.",
            "link": "https://example.com/",
            "link_text": "See the pier",
        },
    ),
    ("notice", {"text": RichText("<p><b>Corrected:</b> it has three hearts, not two.</p>")}),
]
body = [text(f"<p>{PARAGRAPH}</p>" * 4)]
# In the order in which a reader finds them, oldest first.
many = [
    article(
        home,
        f"Notes from the harbour, {n}",
        body,
        days_ago=60 - n,
        tags=("harbour",),
        authors=(maud,),
        intro="What came in with the boats.",
    )
    for n in range(1, 13)
]
plain = article(home, "How to greet an octopus", body, days_ago=9, authors=(maud,), tags=("octopus", "harbour"))
long = article(home, TITLE_200, [text(f"<p>{LONG_WORD * 3}</p><p>{PARAGRAPH}</p>")], days_ago=8, authors=(yann, maud),
               tags=("octopus", LONG_WORD), slug="long-title", intro=f"{LONG_WORD} and an introduction.")  # fmt: skip
arabic_text = f"<p>{ARABIC}</p><h2>ثلاثة قلوب</h2><ul><li>{ARABIC}</li></ul><blockquote>{ARABIC}</blockquote>"
arabic = article(home, "الأخطبوط له ثلاثة قلوب", [text(arabic_text)],
                 days_ago=7, slug="arabic", intro=ARABIC, tags=("octopus",))  # fmt: skip
hebrew = article(
    home, "לתמנון שלושה לבבות", [text(f"<p>{HEBREW}</p><p>{PARAGRAPH}</p>")], days_ago=6, slug="hebrew", intro=HEBREW
)
full = article(home, "The octopus that kept a garden", blocks, days_ago=1, slug="garden",
               intro="She planted shells. Three notes from a morning under the pier.", cover=cover, cover_alt="The shore at low tide",
               cover_caption="Low tide, drawn from memory", tags=("octopus", "garden"), authors=(maud,))  # fmt: skip
# The worker would, later; until then nobody is given the document, as nothing seems to show it.
ReferenceIndex.create_or_update_for_object(full)
removed = article(home, "Withdrawn", body, days_ago=30, slug="withdrawn")
removed.delete()
removed_french = article(french, "Retiré", body, days_ago=30, slug="retire")
removed_french.delete()
private = article(home, "For members", body, days_ago=3, slug="for-members", visibility="private")
soir = article(french, "La marée du soir", [text(f"<p>{FRENCH}</p>" * 3 + "<h2>Ce qui revient</h2>" + f"<p>{FRENCH}</p>")], days_ago=2,
               slug="maree", intro="Ce que la mer rapporte quand tout le monde est rentré.", authors=(maud,), tags=("marée",), cover=cover,
               cover_alt="La grève à marée basse")  # fmt: skip
moved = article(home, "Where it was", body, days_ago=40, slug="moved-from")
moved.slug = "moved-to"
moved.save_revision().publish()
begin = ReadingList(
    title="To begin with", slug="begin", intro="What this place is about, in the order in which to read it."
)
begin.entries = [ReadingListEntry(article=one) for one in (full, plain, hebrew, private, long)]
home.add_child(instance=begin)
begin.save_revision().publish()
empty = home.add_child(instance=ReadingList(title="Later", slug="later"))
french_list = ReadingList(
    title="Pour commencer", slug="commencer", intro="De quoi il s’agit ici, dans l’ordre où le lire."
)
french_list.entries = [ReadingListEntry(article=soir)]
french.add_child(instance=french_list)
french_list.save_revision().publish()
french_empty = french.add_child(instance=ReadingList(title="Plus tard", slug="plus-tard"))
scheduled = article(home, "The winter issue", body, days_ago=0, slug="winter", live=False, go_live_at=NOW + dt.timedelta(days=2, hours=3),
                    expire_at=NOW + dt.timedelta(days=30))  # fmt: skip
draft = home.add_child(instance=Article(title="A draft that waits", slug="draft", live=False, body=body))
draft.save_revision()
for label in ("Visit", "The tide tables of the whole year", LONG_WORD, "Members", "Boats"):
    page = StandardPage(title=label, show_in_menus=True, body=[text(f"<p>{PARAGRAPH}</p>")])
    home.add_child(instance=page)
    page.save_revision().publish()
link = MenuLink.objects.create(label=LONG_WORD[:60], url="https://example.com/", locale=home.locale)
asked = {}
for parent in (home, french):
    page = StandardPage(title="Below the pier", slug="below", body=[text(f"<p>{PARAGRAPH}</p>")])
    parent.add_child(instance=page)
    page.save_revision().publish()
    PageViewRestriction.objects.create(page=page, restriction_type="password", password="low tide")
    asked["password" + (" in French" if parent is french else "")] = page.url

print(json.dumps({
    **asked, "security id": SecuritySettings.load().pk,
    "plain": plain.url, "long": long.url, "arabic": arabic.url, "hebrew": hebrew.url, "full": full.url, "removed": "/withdrawn/",
    "removed in French": "/fr/retire/", "french list": french_list.url, "empty french list": french_empty.url,
    "private": private.url, "french": soir.url, "french tag": soir.tags.get().slug,
    "moved from": "/moved-from/", "moved to": "/moved-to/", "list": begin.url, "empty list": empty.url,
    "document": table.url, "home id": home.pk, "full id": full.pk, "list id": begin.pk, "author id": maud.pk,
    "page id": StandardPage.objects.child_of(home).get(slug="about").pk, "link id": link.pk,
}))  # fmt: skip
