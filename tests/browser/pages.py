"""Every page that is looked at, by name, with its address: what `test_screens_*` open, and where `walk.Walk` comes to by forms.
`tests/engine/test_every_page.py` and `tests/control/console/test_every_page.py` compare it with the addresses that exist.

``{words}`` stand for what the content of the stage is called; a star for whatever stands there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

SITE = {
    "home": "/",
    "home page 2": "/?page=2",
    "home in French with one article": "/fr/",
    "article": "{plain}",
    "article with everything": "{full}",
    "article with a long title": "{long}",
    "article in Arabic": "{arabic}",
    "article in Hebrew": "{hebrew}",
    "article in French": "{french}",
    "reading list": "{list}",
    "reading list in French": "{french list}",
    "reading list without articles": "{empty list}",
    "reading list without articles in French": "{empty french list}",
    "tag": "/tags/octopus/",
    "tag in French": "/fr/tags/{french tag}/",
    "author": "/authors/maud/",
    "author in French": "/fr/authors/maud/",
    "search": "/search/",
    "search with results": "/search/?q=octopus",
    "search without result": "/search/?q=xyzzy",
    "search in French": "/fr/search/?q=maree",
    "search without result in French": "/fr/search/?q=xyzzy",
    "page": "/about/",
    "page in French": "/fr/about/",
    "password": "{password}",
    "password in French": "{password in French}",
}
MISSING = {
    "not found": (404, "/nothing-here/"),
    "not found in French": (404, "/fr/rien/"),
    "removed": (410, "{removed}"),
    "removed in French": (410, "{removed in French}"),
    "link that lets in": (410, "/-/login/nothing/"),
}
LOGIN_LINK = "/-/login/*/"

NEWSLETTER = {
    "subscribe": "/newsletter/subscribe/",
    "subscribe in French": "/fr/newsletter/subscribe/",
    "confirm": "/newsletter/confirm/{confirm}/",
    "confirm in French": "/fr/newsletter/confirm/{confirm fr}/",
    "unsubscribe": "/newsletter/unsubscribe/{unsubscribe}/",
    "unsubscribe in French": "/fr/newsletter/unsubscribe/{unsubscribe}/",
    "unsubscribed before": "/newsletter/unsubscribe/{left}/",
    "unsubscribed before in French": "/fr/newsletter/unsubscribe/{left}/",
    "preferences": "/newsletter/preferences/{english}/",
    "preferences in French": "/newsletter/preferences/{preferences}/",
    "preferences of nobody": "/newsletter/preferences/{left preferences}/",
    "new address": "/newsletter/address/{address}/",
    "new address in French": "/fr/newsletter/address/{address}/",
    "ask for data": "/newsletter/my-data/",
    "ask for data in French": "/fr/newsletter/my-data/",
    "data": "/newsletter/my-data/{data en}/",
    "data in French": "/newsletter/my-data/{data}/",
    "undo": "/newsletter/undo/{undo}/",
    "undo in French": "/fr/newsletter/undo/{undo}/",
    "link of a test": "/newsletter/preferences/link-of-a-test-mail/",
    "link of a test in French": "/fr/newsletter/preferences/link-of-a-test-mail/",
}
NEWSLETTER_BROKEN = {
    "unknown link": (404, "/newsletter/confirm/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/"),
    "unknown link in French": (404, "/fr/newsletter/confirm/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/"),
    "expired link": (410, "/newsletter/confirm/{expired}/"),
    "expired link in French": (410, "/fr/newsletter/confirm/{expired}/"),
    "unknown unsubscribe": (404, "/newsletter/unsubscribe/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/"),
    "unknown unsubscribe in French": (404, "/fr/newsletter/unsubscribe/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/"),
    "expired address": (410, "/newsletter/address/{expired address}/"),
    "expired address in French": (410, "/fr/newsletter/address/{expired address}/"),
    "unknown preferences": (404, "/newsletter/preferences/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/"),
    "unknown preferences in French": (404, "/fr/newsletter/preferences/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/"),
    "unknown data": (404, "/newsletter/my-data/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/"),
    "unknown data in French": (404, "/fr/newsletter/my-data/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/"),
}
NEWSLETTER_ANSWERS = {
    "check your mailbox": "/newsletter/subscribe/",
    "sign-up refused": "/newsletter/subscribe/",
    "too many sign-ups": "/newsletter/subscribe/",
    "subscribed": "/newsletter/confirm/*/",
    "already confirmed": "/newsletter/confirm/*/",
    "unsubscribed": "/newsletter/unsubscribe/*/",
    "still subscribed": "/newsletter/undo/*/",
    "preferences saved": "/newsletter/preferences/*/",
    "address asked": "/newsletter/preferences/*/",
    "address refused": "/newsletter/preferences/*/",
    "too many asked": "/newsletter/my-data/",
    "address changed": "/newsletter/address/*/",
    "data asked": "/newsletter/my-data/",
    "data shown": "/newsletter/my-data/*/",
    "data erase": "/newsletter/my-data/*/",
    "data erased": "/newsletter/my-data/*/",
}
"""What forms of readers answer, English and French."""
NEWSLETTER_ADMIN = {
    "subscribers": "subscribers/",
    "subscribers filtered": "subscribers/?language=fr&since=2020-01-01&source=form&sort=-email",
    "subscribers last page": "subscribers/?page=2000",
    "no subscriber matches": "subscribers/?q=nobody.at.all",
    "subscriber with long words": "subscribers/{long}/",
    "subscriber": "subscribers/{noor}/",
    "subscriber removed": "subscribers/{long}/remove/",
    "add subscriber": "subscribers/add/",
    "job": "subscribers/many/{job}/",
    "suppression list": "suppressed/",
    "suppressed for bounces": "suppressed/?reason=bounce",
    "no suppressed address matches": "suppressed/?q=nobody@example.org",
    "bar addresses": "suppressed/bar/",
    "write again": "suppressed/{bounced}/lift/",
    "subscriber who bounced": "subscribers/{bounced}/",
    "issues": "issues/",
    "issue under way": "issues/{mixed}/",
    "issue in Arabic": "issues/{arabic}/",
    "issue paused": "issues/{paused}/",
    "issue draft": "issues/{draft}/",
    "issue overdue": "issues/{overdue}/",
    "recipients": "issues/{mixed}/recipients/",
    "recipients who failed": "issues/{mixed}/recipients/?state=failed",
    "recipients of a draft": "issues/{draft}/recipients/",
    "mail": "issues/{mixed}/mail/",
    "mail as text on a phone": "issues/{mixed}/mail/?as=text&width=phone&scheme=dark",
    "mail of a draft without article": "issues/{draft}/mail/",
    "sender": "sender/",
}
NEWSLETTER_ADMIN_ANSWERS = {"many": "subscribers/many/", "write to many again": "suppressed/many/"}
"""What forms of editors answer."""

ADMIN = {
    "dashboard": "/admin/",
    "homes": "/admin/pages/1/",
    "account": "/admin/account/",
    "sign-ins": "/admin/reports/sign-ins/",
    "sign-in and security": "/admin/settings/engine_accounts/securitysettings/{security id}/",
    "authors": "/admin/snippets/articles/author/",
    "author": "/admin/snippets/articles/author/add/",
    "author edited": "/admin/snippets/articles/author/edit/{author id}/",
    "links of the menu": "/admin/snippets/menu/menulink/",
    "link of the menu": "/admin/snippets/menu/menulink/add/",
    "link of the menu edited": "/admin/snippets/menu/menulink/edit/{link id}/",
}
"""Screens of Wagtail's that show what is ours."""
EDITORS = {
    "home": "/admin/pages/{home id}/edit/",
    "new article": "/admin/pages/add/articles/article/{home id}/",
    "article": "/admin/pages/{full id}/edit/",
    "new reading list": "/admin/pages/add/articles/readinglist/{home id}/",
    "reading list": "/admin/pages/{list id}/edit/",
    "new page": "/admin/pages/add/pages/standardpage/{home id}/",
    "page": "/admin/pages/{page id}/edit/",
}
"""Wagtail's editors of pages, of which the fields are ours."""

ENTRANCES = {
    "door": "login/",
    "security": "account/security/",
    "confirm": "account/security/confirm/",
    "confirm-code": "account/security/confirm/code/",
    "confirm-key": "account/security/confirm/key/",
    "app": "account/security/app/add/",
    "app-remove": "account/security/app/remove/",
    "key": "account/security/keys/add/",
    "codes": "account/security/recovery-codes/",
    "new-codes": "account/security/recovery-codes/new/",
    "security-full": "account/security/",
    "rename": "account/security/keys/*/rename/",
    "remove": "account/security/keys/*/remove/",
    "code": "login/code/",
    "code-wrong": "login/code/",
}
"""About signing in, below /admin/ of a site and /console/."""
REFUSED = {"429": "login/"}

CONSOLE = {
    "overview": "/",
    "sites": "/sites/site/",
    "sites found none": "/sites/site/?q=xyzzy",
    "site": "{site}change/",
    "site suspend": "{site}suspend/",
    "site close": "{site}close/",
    "parameters": "{site}parameters/",
    "parameter choice": "{site}parameters/newsletter/on_publish/",
    "parameter list": "{site}parameters/newsletter/lists/",
    "undo": "{site}undo/2/",
    "open a site": "/sites/site/add/",
    "clients": "/clients/client/",
    "client": "{client}change/",
    "client remove": "{client}remove/",
    "add a client": "/clients/client/add/",
    "templates": "/catalogue/templates/",
    "template": "/catalogue/templates/publication/",
    "atoms": "/catalogue/atoms/",
    "atom": "/catalogue/atoms/newsletter/",
    "configuration": "/dictionary/configuration/",
    "settings": "/dictionary/settings/",
    "customizations": "/sites/customization/",
    "journal": "/journal/event/",
    "keys": "/clients/accesskey/",
    "make a key": "/clients/accesskey/add/",
    "change password": "/password_change/",
}
CONSOLE_TITLED = {
    "client with a long title": "{long client}change/",
    "client with a long title remove": "{long client}remove/",
    "client with an Arabic title": "{arabic client}change/",
    "site with a long title": "{long site}change/",
    "site with an Arabic title": "{arabic site}change/",
    "closed sites with titles": "/sites/site/?state=closed",
}
"""The same pages with what people may call a client and a site."""
CONSOLE_BEFORE = {
    "login": (200, "/login/"),
    "link used": (410, "/link/used-or-old/"),
}
CONSOLE_LINK = "/link/*/"
CONSOLE_WALKED = {
    "begin": "/",
    "new key": "/clients/accesskey/add/",
    "revoke a key": "/clients/accesskey/*/revoke/",
    "site with imports": "/sites/site/*/change/",
    "form refused": "/clients/client/add/",
    "site's admin": "/sites/site/*/link/",
}
API_DOCS = "/api/v1/docs"


def language(name: str) -> str:
    """In which a page for readers is, as its name says."""
    return "fr" if "French" in name else "en"


def fits(address: str, url: str) -> bool:
    """Whether a URL is one that ``address`` stands for, in whichever language; what is asked after ``?`` does not count."""
    path = re.sub(r"^/(fr|en)(?=/)", "", urlsplit(url).path)
    wanted = re.sub(r"^/(fr|en)(?=/)", "", address.partition("?")[0])
    return re.fullmatch(re.sub(r"\\\*|\\\{[^}]*\\\}", r"[^/]+", re.escape(wanted)), path) is not None


def example(address: str, content: Mapping[str, str]) -> str:
    """An address as a resolver takes it: what has no content is the number 1."""
    return re.sub(r"\{([^}]*)\}", lambda m: content.get(m[1], "1"), address.partition("?")[0]).replace("*", "1")
