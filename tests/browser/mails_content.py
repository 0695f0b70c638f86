"""Run inside a site's Django: publishes articles that a mail must stand; each is announced as an editor's would be."""

import io

from django.core.files.images import ImageFile
from django.utils import timezone
from PIL import Image as Picture
from wagtail.images import get_image_model
from wagtail.models import Site
from wagtail.rich_text import RichText

from webstreet.atoms.articles.models import Article, Author

LONG_WORD = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverordnung"
TITLE_200 = (f"Mail: a title of two hundred characters, pasted in a hurry: {LONG_WORD}, and then some more of it " * 3)[
    :200
]
ENGLISH = (
    "An octopus decides within a second whether you are food, danger or furniture. Hold out one finger and wait: if it stays, a single"
    " arm will come, slow as honey, and taste you with a few dozen suckers."
)
FRENCH = (
    "À marée descendante, la grève change de propriétaire. Les crabes sortent les premiers, puis les enfants, puis ceux qui cherchent des"
    " palourdes avec un râteau et un seau percé."
)
ARABIC = "للأخطبوط ثلاثة قلوب ودم أزرق، وهو يقرأ العالم بأذرعه الثماني قبل أن يراه بعينيه. انتظر قليلا ولا تتحرك."


def everything(words: str) -> list[object]:
    markup = (
        f"<p>{words} <a href='https://example.com/a/long/address'>A link</a>, <code>code</code>, <b>bold</b>, <i>slanted</i>.</p>"
        f"<h2>{words[:30]}</h2><p>{words}</p><h3>{words[:24]}</h3><ul><li>{words[:40]}</li><li>{words}</li></ul>"
        f"<ol><li>{words[:20]}</li><li>{words[:20]}</li></ol><blockquote>{words}</blockquote><hr/><h4>{LONG_WORD}</h4>"
        f"<p>{LONG_WORD * 2}</p>"
        f"<p>{ARABIC}</p><ul><li>{ARABIC}</li></ul><blockquote>{ARABIC}</blockquote>"
    )
    code = "def greet(octopus):\n    while not octopus.trusts(you):\n        wait(minutes=1)  # do not move, whatever happens\n"
    return [
        ("text", RichText(markup)),
        ("image", {"image": {"image": cover, "decorative": False, "alt_text": "The shore"}, "caption": "Low tide", "wide": True}),
        ("quote", {"text": words, "who": f"Yann {LONG_WORD}", "source": "https://example.com/"}),
        ("code", {"code": code, "caption": "A greeting"}),
    ]  # fmt: skip


def publish(parent: object, title: str, slug: str, body: list[object], **fields: object) -> None:
    made = Article(title=title, slug=slug, body=body, published_at=timezone.now(), **fields)
    parent.add_child(instance=made)
    made.save_revision().publish()


drawn = io.BytesIO()
Picture.new("RGB", (2400, 1350), "#9db8bf").save(drawn, "JPEG")
drawn.seek(0)
cover = get_image_model().objects.create(title="Tide", file=ImageFile(drawn, name="tide.jpg"), description="A tide")
maud, _made = Author.objects.get_or_create(slug="mail-maud", defaults={"name": "Maud Le Goff"})
home = Site.objects.get(is_default_site=True).root_page.specific
french = home.get_translations().get(locale__language_code="fr").specific
publish(
    home,
    TITLE_200,
    "mail-long",
    everything(ENGLISH),
    intro=f"{LONG_WORD} and an introduction.",
    cover=cover,
    authors=[maud],
)
arabic = f"<p>{ARABIC}</p><h2>ثلاثة قلوب</h2><ul><li>{ARABIC}</li></ul>"
publish(home, "الأخطبوط له ثلاثة قلوب", "mail-arabic", [("text", RichText(arabic))], intro=ARABIC)
publish(
    french,
    "Mail : la marée du soir",
    "mail-soir",
    everything(FRENCH),
    intro="Ce que la mer rapporte.",
    cover=cover,
    authors=[maud],
)
