"""What stands between strangers and other people's mailboxes. Form and API go through the same `admit`.

Counters lie in the atom's own store, under keyed hashes. Every limit is counted before anything is known about the address.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.core import signing

from webstreet.atoms.newsletter import mails
from webstreet.atoms.newsletter.models.sign_up import Throttle
from webstreet.kernel.errors import BadInput, TooMany
from webstreet.mail.address import normal_address
from webstreet.mail.message import header_text

HOUR, DAY = 3600, 86_400
TESTS_PER_HOUR = 30
TESTS_TO_ONE_PER_DAY = 50
"""From all editors together."""
ASKED_PER_HOUR = 60
"""Confirmation mails that one editor causes by adding people; a list of more is imported, and an import mails nobody."""
FORM_TOKEN_DAYS = 14
"""Longer than any page stays in a cache."""
BODY_MAX = 16_384
_SALT = "newsletter.form"


class FormTokenInvalid(BadInput):
    """The form's token is missing, forged or too old: the page it came from must be loaded again."""

    code = "form_token.invalid"


class SignUpClosed(TooMany):
    """More sign-ups than the limits allow."""

    code = "sign_up.too_many"


class TooManyTests(TooMany):
    """An editor sends more test mails than a person looks at, or one address gets too many."""

    code = "test_mail.too_many"


class TooManyAsked(TooMany):
    """An editor has more people asked for their consent than the limits allow, or one person too often."""

    code = "confirmation.too_many"


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody sent, untouched. ``trap`` is the field that people do not see."""

    email: str
    token: str
    ip: str
    name: str = ""
    trap: str = ""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that may go on; ``quiet``: answer as always and do nothing."""

    email: str
    name: str
    network: str
    quiet: bool = False


def form_token() -> str:
    """Proves that a page of ours was loaded within `FORM_TOKEN_DAYS`; says nothing about who loaded it, so it can be cached."""
    return signing.TimestampSigner(salt=_SALT).sign("f")


def check_form_token(token: str) -> None:
    """Raises `FormTokenInvalid`."""
    try:
        if len(token) > 200:
            raise signing.BadSignature
        signing.TimestampSigner(salt=_SALT).unsign(token, max_age=FORM_TOKEN_DAYS * DAY)
    except signing.BadSignature:
        raise FormTokenInvalid("The form was open for too long, or it was not ours. Send it again.") from None


def short_network(ip: str) -> str:
    """``203.0.113.7`` -> ``203.0.113.0/24``; IPv6 to /56; empty when there is no address."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    return str(ipaddress.ip_network(f"{address}/{24 if address.version == 4 else 56}", strict=False))


def admit(request: Request) -> Admitted:
    """Check everything that can be checked without looking at subscribers.

    Raises:
        AddressInvalid, HeaderInvalid: cannot be mailed to; never repeats what was given.
        FormTokenInvalid: load the page again.
        SignUpClosed: a network or the whole site is over its limit.
    """
    email = normal_address(request.email)
    name = header_text(request.name.strip(), limit=100)
    check_form_token(request.token)
    network = short_network(request.ip)
    if request.trap:
        return Admitted(email, name, network, quiet=True)
    return Admitted(email, name, network, quiet=not mail_allowed(email, network))


def mail_allowed(email: str, network: str) -> bool:
    """Count one mail that somebody asks for, whatever for: all have the same limits together. False: answer as always, mail nothing.

    Raises:
        SignUpClosed: a network or the whole site is over its limit.
    """
    limits = mails.parameters().limits
    if network and Throttle.bump(_key("network", network), HOUR) > limits.per_network_per_hour:
        raise SignUpClosed("Too many requests came from your network in the last hour. Try again in an hour.")
    if Throttle.bump(_key("site", ""), HOUR) > limits.per_site_per_hour:
        raise SignUpClosed("Mail is closed for a while because too many requests came in. Try again in an hour.")
    return Throttle.bump(_key("address", email), DAY) <= limits.per_address_per_day


def admit_tests(editor: int, addresses: Iterable[str]) -> None:
    """Count an editor's test mails to ``addresses`` (normalised).

    Raises:
        TooManyTests: more than `TESTS_PER_HOUR`, or than `TESTS_TO_ONE_PER_DAY` to an address; none of them is to be sent.
    """
    for address in addresses:
        if Throttle.bump(_key("tests", str(editor)), HOUR) > TESTS_PER_HOUR:
            raise TooManyTests(f"An editor sends at most {TESTS_PER_HOUR} test mails an hour. Try again in an hour.")
        if Throttle.bump(_key("tests to", address), DAY) > TESTS_TO_ONE_PER_DAY:
            raise TooManyTests(f"An address gets at most {TESTS_TO_ONE_PER_DAY} test mails a day. Try again tomorrow.")


def admit_asking(editor: int, email: str) -> None:
    """Count a confirmation mail that an editor causes. What readers ask for themselves counts for the same address; it takes nothing from
    an editor's hour, nor an editor from the site's.

    Raises:
        TooManyAsked: nothing is to be written or mailed.
    """
    if Throttle.bump(_key("asked by", str(editor)), HOUR) > ASKED_PER_HOUR:
        raise TooManyAsked(f"An editor has at most {ASKED_PER_HOUR} people asked an hour. Try again in an hour.")
    if Throttle.bump(_key("address", email), DAY) > mails.parameters().limits.per_address_per_day:
        raise TooManyAsked("This address was mailed too often today. Try again tomorrow.")


def _key(kind: str, value: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), f"newsletter:{kind}:{value}".encode(), hashlib.sha256).hexdigest()
