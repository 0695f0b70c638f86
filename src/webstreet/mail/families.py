"""Which provider a recipient's domain belongs to: providers count what they get from us for all their domains together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

TITLES = {
    "gmail": "Gmail",
    "microsoft": "Outlook",
    "yahoo": "Yahoo",
    "apple": "iCloud",
    "gmx": "GMX, WEB.DE",
    "tonline": "T-Online",
    "orange": "Orange",
    "free": "Free",
    "sfr": "SFR",
    "laposte": "La Poste",
    "proton": "Proton",
    "comcast": "Comcast",
    "mailru": "Mail.ru",
    "yandex": "Yandex",
    "zoho": "Zoho",
}
"""Families by name, with what people call them."""
_DOMAINS = {
    "gmail": "gmail.com googlemail.com",
    "microsoft": "outlook.com hotmail.com live.com msn.com passport.com windowslive.com",
    "yahoo": "yahoo.com aol.com ymail.com rocketmail.com aim.com myyahoo.com verizon.net netscape.net",
    "apple": "icloud.com me.com mac.com",
    "gmx": "gmx.de gmx.net gmx.at gmx.ch gmx.com gmx.fr gmx.co.uk gmx.es gmx.us web.de email.de mail.com caramail.com caramail.fr",
    "tonline": "t-online.de magenta.de",
    "orange": "orange.fr wanadoo.fr voila.fr",
    "free": "free.fr freesbee.fr libertysurf.fr worldonline.fr online.fr infonie.fr aliceadsl.fr",
    "sfr": "sfr.fr neuf.fr cegetel.net club-internet.fr 9online.fr numericable.fr numericable.com noos.fr",
    "laposte": "laposte.net",
    "proton": "proton.me protonmail.com protonmail.ch pm.me",
    "comcast": "comcast.net xfinity.com",
    "mailru": "mail.ru bk.ru inbox.ru list.ru internet.ru",
    "yandex": "yandex.ru yandex.com ya.ru yandex.ua yandex.kz yandex.by",
    "zoho": "zoho.com zohomail.com zoho.eu zoho.in",
}
_KNOWN = {domain: family for family, domains in _DOMAINS.items() for domain in domains.split()}
# The same providers by country: hotmail.fr, live.co.uk, yahoo.com.br.
_BY_COUNTRY = re.compile(r"(?:(hotmail|live|outlook|msn)|(yahoo|aol|ymail))\.(?:com?\.)?[a-z]{2}\Z")
_MX = {
    "google.com": "gmail",
    "googlemail.com": "gmail",
    "outlook.com": "microsoft",
    "yahoodns.net": "yahoo",
    "icloud.com": "apple",
    "kundenserver.de": "gmx",
    "protonmail.ch": "proton",
    "zoho.com": "zoho",
    "zoho.eu": "zoho",
    "yandex.net": "yandex",
    "mail.ru": "mailru",
}
"""What the name of a mail server that receives for a domain ends with."""
_SECOND_LEVEL = frozenset(
    ("ac", "asso", "co", "com", "edu", "gob", "gouv", "gov", "gv", "mil", "ne", "net", "nom", "or", "org", "sch")
)


@lru_cache(maxsize=65_536)
def family_of(domain: str) -> str:
    """The family of a normalised domain: a name in `TITLES`, else the registrable domain, which is told by its dot."""
    known = _KNOWN.get(domain)
    if known:
        return known
    found = _BY_COUNTRY.match(domain)
    if found:
        return "microsoft" if found[1] else "yahoo"
    return registrable(domain)


def family_by_servers(domain: str, servers: tuple[str, ...]) -> str:
    """`family_of` for a domain whose mail servers (MX) somebody looked up: many companies' mail lies with a large provider."""
    for server in servers:
        labels = server.lower().rstrip(".").split(".")
        found = _MX.get(".".join(labels[-2:]))
        if found:
            return found
    return family_of(domain)


def registrable(domain: str) -> str:
    """The part of a domain that somebody registered, nearly always: the last two labels, three where the second names a kind (co.uk).

    Only for counting together: being wrong makes two buckets of one, or one of two.
    """
    labels = domain.split(".")
    most = 3 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL else 2
    return ".".join(labels[-most:])


def domain_of(address: str) -> str:
    return address.rpartition("@")[2]


def title_of(family: str, titles: Mapping[str, str] = TITLES) -> str:
    """What people call a family; of one that is a domain, the domain."""
    return titles.get(family, family)
