"""Run inside a site: fills it with one of everything that an export has to carry."""

import datetime as dt
import io
import json

from django.contrib.auth.models import Group
from django.core.files.base import ContentFile
from django.utils import timezone
from PIL import Image as Pillow
from wagtail.contrib.redirects.models import Redirect
from wagtail.documents import get_document_model
from wagtail.images import get_image_model
from wagtail.models import Collection, CollectionViewRestriction, Locale, PageViewRestriction, Site

from webstreet.atoms.articles.models import Article, ArticleIndex, Author, ReadingList, ReadingListEntry
from webstreet.atoms.menu.models import MenuLink
from webstreet.atoms.newsletter import actions
from webstreet.atoms.newsletter.models import MailingList, Subscriber
from webstreet.atoms.pages.models import StandardPage

HIDDEN = [{"type": "text", "value": "<p>Not for everybody</p>"}]
ITEM = "5d6c1f0a-0000-4000-8000-000000000001"
home = Site.objects.get(is_default_site=True).root_page.specific
out = io.BytesIO()
Pillow.new("RGB", (400, 300), "red").save(out, "JPEG")
image = get_image_model()(
    file=ContentFile(out.getvalue(), name="champ.jpg"),
    title="Champ",
    description="Un champ rouge",
    focal_point_x=10,
    focal_point_y=20,
    focal_point_width=5,
    focal_point_height=5,
)
image.save()
image.tags.add("rouge")
document = get_document_model()(title="Papier")
document.file.save("papier.pdf", ContentFile(b"%PDF-1.4\n%%EOF\n"))
# Not for everybody because a collection above theirs is not.
closed = Collection.get_first_root_node().add_child(name="Members")
CollectionViewRestriction.objects.create(collection=closed, restriction_type="password", password="known to members")
secret = get_document_model()(title="Secret", collection=closed.add_child(name="Minutes"))
secret.file.save("secret.pdf", ContentFile(b"%PDF-1.4\n%secret\n%%EOF\n"))
author = Author.objects.create(name="Zoé", slug="zoe", bio="Écrit.", photo=image)
about = StandardPage.objects.filter(locale=home.locale).first()


def article(slug, **more):
    found = Article(title=slug.title(), slug=slug, locale=home.locale, **more)
    home.add_child(instance=found)
    return found


reading = ReadingList(title="À lire", slug="a-lire", locale=home.locale, intro="Dans l’ordre")
home.add_child(instance=reading)
first = article("first", published_at=timezone.now(), intro="Intro", cover=image, cover_alt="Rouge")
second = article("second", visibility="private")
body = [
    {"type": "text", "value": f'<p data-block-key="ab1c2">It&#x27;s<br/>here.</p><hr/>'
     f'<p>See <a linktype="page" id="{second.pk}">second</a>, <a linktype="document" id="{document.pk}">paper</a>'
     f' and <a linktype="page" id="{about.pk}">about</a>,'
     f' <a linktype="document" id="{secret.pk}">secret</a>.</p>'},
    {"type": "image", "value": {"image": {"image": image.pk, "decorative": False, "alt_text": "Un champ"}, "caption": "c", "wide": True}},
    {"type": "page_links", "value": {"title": "More", "pages": [{"type": "item", "id": ITEM, "value": about.pk}]}},
]  # fmt: skip
first.body = json.dumps(body)
first.authors = [author]
first.tags.set(["un", "deux"])
first.save_revision().publish()
reading.entries = [ReadingListEntry(article=second), ReadingListEntry(article=first)]
reading.save_revision().publish()
draft = article("draft", live=False)
draft.save_revision()
later = article("later", live=False, go_live_at=timezone.now() + dt.timedelta(days=3))
later.save_revision().publish()
changed = article("changed")
changed.title = "Changed, not published"
changed.save_revision()
below = StandardPage(title="Below", slug="below", locale=home.locale, show_in_menus=True)
about.add_child(instance=below)
below.save_revision().publish()
french = ArticleIndex.objects.get(locale=Locale.objects.get(language_code="fr"))
translated = Article(title="Premier", slug="premier", locale=french.locale, translation_key=first.translation_key)
french.add_child(instance=translated)
StandardPage.objects.filter(slug="imprint").first() and StandardPage.objects.filter(slug="imprint").first().delete()
gone = article("gone")
gone.delete()
staff = Group.objects.get(name="Editors")
for kind, more in (("password", {"password": "known to members"}), ("groups", {}), ("login", {})):
    page = StandardPage(title=kind.title(), slug=f"by-{kind}", locale=home.locale, body=json.dumps(HIDDEN))
    home.add_child(instance=page)
    page.save_revision().publish()
    restriction = PageViewRestriction.objects.create(page=page, restriction_type=kind, **more)
    if kind == "groups":
        restriction.groups.add(staff)
inside = StandardPage(title="Inside", slug="inside", locale=home.locale, body=json.dumps(HIDDEN))
home.get_children().get(slug="by-password").add_child(instance=inside)
inside.save_revision().publish()
MenuLink.objects.create(locale=home.locale, page=first, sort_order=1)
MenuLink.objects.create(locale=home.locale, label="Away", url="https://elsewhere.example/", sort_order=2)
MenuLink.objects.create(locale=french.locale, label="Ailleurs", url="/fr/ailleurs/", sort_order=1)
Redirect.objects.create(old_path="/old", redirect_page=first)
Redirect.objects.create(old_path="/away", redirect_link="https://elsewhere.example/")
people = {
    status: Subscriber.objects.create(email=f"{status}@b.example", name="N", status=status)
    for status in Subscriber.Status.values
}
actions.join(people["active"], [MailingList.main()])
people["active"].note_consent("confirmed", version="1", text="Yes", source="link", network="192.0.2.0/24")
print("filled")
