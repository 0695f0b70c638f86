"""Our messages as django-anymail takes them: one, read from its bytes, or one letter for many recipients."""

from __future__ import annotations

import email
import email.policy
import html as html_module
from collections.abc import Sequence
from typing import Any

from django.core.mail import EmailMultiAlternatives

from webstreet.engine.mail_api import MESSAGE, named
from webstreet.engine.mail_api.backends import KNOWN
from webstreet.mail.merge import Mergeable
from webstreet.mail.message import Recipient, hole
from webstreet.mail.pump import Envelope

_THEIRS = frozenset(
    {
        "from", "to", "subject", "reply-to", "date", "mime-version", "content-type", "content-transfer-encoding", "dkim-signature",
        "return-path",
    }
)  # fmt: skip
"""Headers that providers write from what they are told, and signatures, which hold for our bytes alone."""


def single(envelope: Envelope, provider: str) -> EmailMultiAlternatives:
    """One message for its recipient."""
    made, parsed = _made(envelope.content, provider)
    to = _line(parsed["To"])
    # With the name, if it is about this one alone.
    is_alone = [found.addr_spec for found in getattr(parsed["To"], "addresses", ())] == [envelope.recipient]
    made.to = [to if is_alone else envelope.recipient]
    # django-anymail takes it from there.
    made.metadata = {MESSAGE: named(_line(parsed["Message-ID"]))}  # type: ignore[attr-defined]
    return made


def merged(envelopes: Sequence[Mergeable], provider: str) -> EmailMultiAlternatives | None:
    """One message for all of them, who share a skeleton; None when it cannot be said like that."""
    known, first = KNOWN[provider], envelopes[0]
    names = list(first.own.values)
    addresses = {envelope.recipient.casefold() for envelope in envelopes}
    if len(addresses) < len(envelopes) or any(list(each.own.values) != names for each in envelopes):
        return None
    places = Recipient(first.recipient, first.own.message_id, {n: hole(n) for n in names}, first.own.unsubscribe_url)
    made, _ = _made(first.skeleton.fill(places), provider)
    bodies = [str(made.body), *(str(content) for content, _ in made.alternatives)]
    if any(known.opens in text for text in (*bodies, made.subject, *made.extra_headers.values())):
        return None
    for name in names:
        made.body = str(made.body).replace(hole(name), known.merges.format(name))
        bodies[1:] = [text.replace(hole(name), known.merges.format(f"{name}_html")) for text in bodies[1:]]
    made.alternatives = []
    for text in bodies[1:]:
        made.attach_alternative(text, "text/html")
    own = {each.recipient: _own_headers(each.own, known.left_out) for each in envelopes}
    made.extra_headers = {k: v for k, v in made.extra_headers.items() if k not in own[first.recipient]}
    made.to = list(own)
    # django-anymail takes them from there.
    made.merge_headers = own  # type: ignore[attr-defined]
    made.merge_metadata = {each.recipient: {MESSAGE: named(each.own.message_id)} for each in envelopes}  # type: ignore[attr-defined]
    made.merge_data = {each.recipient: _values(each.own) for each in envelopes}  # type: ignore[attr-defined]
    return made


def _made(content: bytes, provider: str) -> tuple[EmailMultiAlternatives, Any]:
    """All but for whom it is."""
    parsed: Any = email.message_from_bytes(content, policy=email.policy.default)
    known = KNOWN[provider]
    made = EmailMultiAlternatives(_line(parsed["Subject"]), _part(parsed, "plain"), _line(parsed["From"]))
    if parsed["Reply-To"]:
        made.reply_to = [_line(parsed["Reply-To"])]
    if html := _part(parsed, "html"):
        made.attach_alternative(html, "text/html")
    kept = {
        name: _in_ascii(_line(value)) for name, value in parsed.items() if name.lower() not in _THEIRS | known.left_out
    }
    made.extra_headers = {name: value for name, value in kept.items() if value} | dict(known.added)
    return made, parsed


def _own_headers(own: Recipient, left_out: frozenset[str]) -> dict[str, str]:
    found = {"Message-ID": f"<{own.message_id}>"}
    if own.unsubscribe_url:
        mail = f"<mailto:{own.unsubscribe_mail}>, " if own.unsubscribe_mail else ""
        found |= {
            "List-Unsubscribe": f"{mail}<{own.unsubscribe_url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    return {name: value for name, value in found.items() if name.lower() not in left_out}


def _values(own: Recipient) -> dict[str, str]:
    """As they stand in the text, and escaped for the HTML."""
    return dict(own.values) | {f"{name}_html": html_module.escape(value) for name, value in own.values.items()}


def _part(parsed: Any, kind: str) -> str:
    part = parsed.get_body(preferencelist=(kind,))
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""


def _in_ascii(value: str) -> str:
    """Providers differ in what they make of other letters, some break the header: of ``Été <news.example.org>`` what is in brackets."""
    if value.isascii():
        return value
    end = value[value.rfind("<") :]
    return end if end.startswith("<") and end.isascii() else ""


def _line(value: object) -> str:
    return " ".join(str(value or "").split())
