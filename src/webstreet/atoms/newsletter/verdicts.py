"""What a look into DNS came to, in words: what differs, and what to do."""

from __future__ import annotations

import ipaddress

from django.utils.translation import gettext_lazy

from webstreet.atoms.newsletter import identity, mails
from webstreet.atoms.newsletter.identity import Standing
from webstreet.atoms.newsletter.models.identity import DnsRecord
from webstreet.atoms.newsletter.rotation import KeyState
from webstreet.kernel.errors import WebstreetError

SUGGESTED_DMARC = "v=DMARC1; p=none"
"""What Gmail and Yahoo ask of bulk senders; a stricter policy is the owner's decision."""
_SAID = {
    "dkim right ": gettext_lazy("The record is as it should be."),
    "dkim right testing": gettext_lazy(
        "The record is right, but says t=y (testing): receivers may treat the mails as unsigned. Remove t=y."
    ),
    "dkim missing ": gettext_lazy(
        "There is no such record yet. A new one is seen after some minutes, at some providers after some hours."
    ),
    "dkim missing doubled": gettext_lazy(
        "The record is at a name that ends with the domain twice: your DNS screen adds the domain by itself. Enter only the part before it."
    ),
    "dkim wrong several": gettext_lazy(
        "There are several records at this name; receivers use none of them. Keep the one shown here."
    ),
    "dkim wrong syntax": gettext_lazy("The record is no DKIM key. Replace it by the one shown here."),
    "dkim wrong quotes": gettext_lazy(
        "The record has quotation marks or backslashes inside. Enter the value without them."
    ),
    "dkim wrong revoked": gettext_lazy(
        "The record has an empty key (p=), which means revoked. Replace it by the one shown here."
    ),
    "dkim wrong cut": gettext_lazy(
        "The key was cut off: your DNS screen took only its beginning. Enter the value in pieces, as shown below it."
    ),
    "dkim wrong algorithm": gettext_lazy(
        "The record is for another kind of key (k=). Replace it by the one shown here."
    ),
    "dkim wrong key": gettext_lazy("The record has another key. Replace it by the one shown here."),
    "dkim wrong hash": gettext_lazy("The record forbids SHA-256 (h=). Replace it by the one shown here."),
    "dkim wrong service": gettext_lazy("The record is not for mail (s=). Replace it by the one shown here."),
    "spf right ": gettext_lazy(
        "The record can be used. Make sure that it names your mail server, or what its provider tells you to name."
    ),
    "spf missing ": gettext_lazy(
        "There is no such record. The one shown here is a beginning: if a provider sends your mails, name what it tells you (include:)."
    ),
    "spf wrong several": gettext_lazy("There are several SPF records; receivers use none of them. Make one of them."),
    "spf wrong syntax": gettext_lazy("The record has a word that SPF does not know, so receivers do not use it."),
    "spf wrong everybody": gettext_lazy(
        "The record allows everybody to send for this domain (+all). End it with ~all or -all."
    ),
    "spf wrong open": gettext_lazy(
        "The record does not end with ~all or -all, so it forbids nobody to send for this domain."
    ),
    "spf wrong lookups": gettext_lazy(
        "The record needs more than ten look-ups, so receivers do not use it. Remove what is not needed."
    ),
    "dmarc right ": gettext_lazy("The record is as it should be."),
    "dmarc right above": gettext_lazy("The record of the domain above holds for this one too."),
    "dmarc missing ": gettext_lazy(
        "There is no such record. Large mailbox providers refuse newsletters of domains without one."
    ),
    "dmarc wrong several": gettext_lazy("There are several DMARC records; receivers use none of them. Keep one."),
    "dmarc wrong syntax": gettext_lazy("The record has no policy that exists (p=none, p=quarantine or p=reject)."),
}
"""By purpose, kind and fact."""
_SILENT = gettext_lazy("DNS gave no answer, so nobody knows. It is asked again by itself.")
_STANDING = {
    Standing.OFF: gettext_lazy("This site does not sign its mails: its parameter dkim says that the mail server does."),
    Standing.NONE: gettext_lazy(
        "Mails leave without a signature: there is no key for this domain yet. Large mailbox providers refuse unsigned newsletters."
    ),
    Standing.WAITING: gettext_lazy(
        "Mails leave without a signature, until the records of the new keys are set and found."
    ),
    Standing.SIGNING: gettext_lazy("Mails are signed."),
    Standing.TROUBLE: gettext_lazy(
        "Mails are signed, but receivers cannot find the right key: a record is missing or different."
    ),
    Standing.LOST: gettext_lazy(
        "The keys cannot be read: SECRET_KEY was changed since they were made. Issues wait. Make new keys and set their records, or give "
        "the old SECRET_KEY back."
    ),
}


_KEY = {
    KeyState.MADE: gettext_lazy("Waiting for its record"),
    KeyState.PUBLISHED: gettext_lazy("Record found"),
    KeyState.SIGNING: gettext_lazy("Signing"),
    KeyState.RETIRED: gettext_lazy("Replaced"),
    KeyState.REMOVED: gettext_lazy("Removed"),
}


def key_words(state: KeyState) -> str:
    return str(_KEY[state])


def words(row: DnsRecord | None) -> str:
    """The last look in a sentence; empty before the first."""
    if row is None or not row.kind:
        return ""
    if row.kind == DnsRecord.Kind.SILENT:
        return str(_SILENT)
    return str(_SAID[f"{row.purpose} {row.kind} {row.fact}"])


def standing_words(standing: Standing) -> str:
    return str(_STANDING[standing])


def suggested_spf() -> str:
    """A record to begin with: our mail servers by name or address where the world can know them, else the domain's own servers."""
    try:
        hosts = [url.host for url in mails.mail_servers() if not url.provider]
    except WebstreetError:
        hosts = []
    named = [term for host in hosts if (term := _spf_term(host))]
    return f"v=spf1 {' '.join(dict.fromkeys(named)) or 'mx'} ~all"


def _spf_term(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"a:{host}" if "." in host.strip(".") else ""
    return f"ip{address.version}:{address}" if address.is_global else ""


def note() -> str:
    """What the first page of the admin says of the sender; empty when all is well."""
    standing = identity.standing(mails.sender().domain, mails.algorithms())
    return "" if standing in (Standing.SIGNING, Standing.OFF) else standing_words(standing)
