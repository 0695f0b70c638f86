"""Words for what is stored by its name."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

register = template.Library()
SOURCES = {
    "form": gettext_lazy("sign-up form"),
    "api": "API",
    "link": gettext_lazy("link in a mail"),
    "mail": gettext_lazy("a mail to unsubscribe"),
    "editor": gettext_lazy("an editor"),
    "preferences": gettext_lazy("preference page"),
    "reply": gettext_lazy("the mail server’s reply"),
    "mailbox": gettext_lazy("mailbox of bounces"),
    "webhook": gettext_lazy("webhook"),
}


@register.filter
def source_word(source: str) -> str:
    """Where a subscriber or a consent comes from: "form" is "sign-up form", "import:csv" is "import (csv)"."""
    kind, _colon, what = source.partition(":")
    if kind == "import" and what:
        return _("import (%(what)s)") % {"what": what}
    return str(SOURCES.get(source, source))
