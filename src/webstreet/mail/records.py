"""What DNS must say of a sender's domain, and how what it says differs: DKIM keys (RFC 6376 3.6.1), SPF (RFC 7208), DMARC (RFC 7489).

Pure but for ``ask``, which looks up the TXT records of a name (`webstreet.mail.lookup`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from webstreet.mail.lookup import Answer

Ask = Callable[[str], "Answer"]
Kind = Literal["right", "missing", "wrong", "silent"]
SPF_LOOKUPS_MAX = 10
"""RFC 7208 4.6.4: who needs more has no valid record."""
PARENTS_MAX = 5
POLICIES = ("none", "quarantine", "reject")
_MECHANISM = re.compile(
    r"[+?~-]?(?:all|(?:include|exists):[^\s/]+|ip4:[\d.]+(?:/\d+)?|ip6:[\da-f:.]+(?:/\d+)?|(?:a|mx|ptr)(?::[^\s/]+)?(?:/\d+)?(?://\d+)?)\Z",
    re.IGNORECASE,
)
_MODIFIER = re.compile(r"[a-z][a-z0-9._-]*=\S*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look into DNS came to.

    Attributes:
        fact: what differs, or is worth knowing of what is right; empty when there is nothing to say.
        found: the records in question, as DNS has them.
    """

    kind: Kind
    fact: str = ""
    found: tuple[str, ...] = ()


# -- DKIM ------------------------------------------------------------------------------------------------------------
def dkim(name: str, expected: str, domain: str, ask: Ask) -> Verdict:
    """Whether ``name`` has the key record ``expected``.

    Facts of ``missing``: ``doubled`` (the domain was written twice: a DNS screen added it). Of ``wrong``: ``several``, ``syntax``,
    ``quotes``, ``revoked`` (an empty key), ``cut`` (the beginning of the key alone), ``algorithm``, ``key`` (another one),
    ``hash`` or ``service`` (it forbids what is sent). Of ``right``: ``testing`` (t=y: receivers treat it as unsigned).
    """
    answer = ask(name)
    if answer.kind == "none":
        doubled = ask(f"{name}.{domain}")
        return Verdict("missing", "doubled" if doubled.kind == "found" else "", doubled.texts)
    if answer.kind == "silent":
        return Verdict("silent")
    if len(answer.texts) > 1:
        return Verdict("wrong", "several", answer.texts)
    fact = _difference(tags(expected), answer.texts[0])
    kind: Kind = "right" if fact in ("", "testing") else "wrong"
    return Verdict(kind, fact, answer.texts)


def _difference(wanted: dict[str, str], text: str) -> str:
    found = tags(text)
    if '"' in text or "\\" in text:
        return "quotes"
    if "p" not in found or found.get("v", "DKIM1") != "DKIM1":
        return "syntax"
    key, other = "".join(wanted["p"].split()), "".join(found["p"].split())
    if found.get("k", "rsa").lower() != wanted.get("k", "rsa"):
        return "algorithm"
    if key != other:
        if not other:
            return "revoked"
        return "cut" if key.startswith(other) else "key"
    if "sha256" not in (hash_.strip() for hash_ in found.get("h", "sha256").split(":")):
        return "hash"
    if not {"*", "email"} & {service.strip() for service in found.get("s", "*").split(":")}:
        return "service"
    return "testing" if "y" in (flag.strip() for flag in found.get("t", "").split(":")) else ""


def tags(text: str) -> dict[str, str]:
    """``a=b; c=d`` as a dictionary (RFC 6376 3.2); the first of two with one name."""
    found: dict[str, str] = {}
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        if equals:
            found.setdefault(name.strip(), value.strip())
    return found


# -- SPF -------------------------------------------------------------------------------------------------------------
def spf(domain: str, ask: Ask) -> Verdict:
    """Whether ``domain`` says which servers may send for it, in a way that receivers can follow.

    Facts of ``wrong``: ``several``, ``syntax``, ``everybody`` (+all), ``lookups`` (it needs more than 10), ``open`` (no ``all`` at its end,
    so it forbids nobody). Whether it names our mail server is not known here: only that server's owner knows its addresses.
    """
    answer = ask(domain)
    if answer.kind == "silent":
        return Verdict("silent")
    texts = _spf_texts(answer)
    if not texts:
        return Verdict("missing")
    if len(texts) > 1:
        return Verdict("wrong", "several", texts)
    terms = texts[0].split()[1:]
    if not all(_MECHANISM.match(term) or _MODIFIER.match(term) for term in terms):
        return Verdict("wrong", "syntax", texts)
    low = [term.lower() for term in terms]
    if "all" in low or "+all" in low:
        return Verdict("wrong", "everybody", texts)
    if not any(term.lstrip("?~-") == "all" or term.startswith("redirect=") for term in low):
        return Verdict("wrong", "open", texts)
    if _lookups(low, ask, SPF_LOOKUPS_MAX) > SPF_LOOKUPS_MAX:
        return Verdict("wrong", "lookups", texts)
    return Verdict("right", "", texts)


def _spf_texts(answer: Answer) -> tuple[str, ...]:
    return tuple(text for text in answer.texts if text.lower() == "v=spf1" or text.lower().startswith("v=spf1 "))


def _lookups(terms: list[str], ask: Ask, left: int) -> int:
    """How many look-ups ``terms`` need; stops above ``left``."""
    count = 0
    for term in terms:
        term = term.lstrip("+?~-")
        if re.match(r"(?:a|mx|ptr)(?:[:/]|\Z)|exists:|include:|redirect=", term):
            count += 1
        name = re.sub(r"\A(?:include:|redirect=)", "", term)
        if count > left:
            return count
        if name != term and "%" not in name:
            for text in _spf_texts(ask(name))[:1]:
                count += _lookups(text.lower().split()[1:], ask, left - count)
    return count


# -- DMARC -----------------------------------------------------------------------------------------------------------
def dmarc(domain: str, ask: Ask) -> Verdict:
    """Whether a policy holds for ``domain``: its own, or that of the nearest domain above it.

    Facts of ``wrong``: ``several``, ``syntax`` (no p=, or no policy that exists). Of ``right``: ``above`` (found at a domain above).
    """
    labels = domain.split(".")
    for i in range(max(1, min(len(labels) - 1, PARENTS_MAX))):
        answer = ask(f"_dmarc.{'.'.join(labels[i:])}")
        if answer.kind == "silent":
            return Verdict("silent")
        texts = tuple(text for text in answer.texts if re.match(r"v\s*=\s*DMARC1\s*(?:;|\Z)", text))
        if len(texts) > 1:
            return Verdict("wrong", "several", texts)
        if texts:
            policy = tags(texts[0]).get("p", "").lower()
            if policy not in POLICIES:
                return Verdict("wrong", "syntax", texts)
            return Verdict("right", "above" if i else "", texts)
    return Verdict("missing")
