"""As whom the site writes: keys are made, wait for their records, sign and are replaced; DNS is looked at; signers for mails."""

from __future__ import annotations

import datetime as dt
import logging
import os
import secrets
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from django.utils import timezone

from webstreet.atoms.newsletter import rotation
from webstreet.atoms.newsletter.models.base import atomic
from webstreet.atoms.newsletter.models.change import Change
from webstreet.atoms.newsletter.models.hosted import HostedDomain
from webstreet.atoms.newsletter.models.identity import DnsRecord, SigningKey
from webstreet.atoms.newsletter.rotation import KeyState
from webstreet.contract.environment import DNS_SERVERS, read
from webstreet.kernel.errors import Broken, Conflict
from webstreet.mail import records
from webstreet.mail.dkim import Algorithm, Signer, read_key
from webstreet.mail.errors import DkimKeyInvalid
from webstreet.mail.records import Verdict

if TYPE_CHECKING:
    from webstreet.mail.lookup import Lookup

CLAIM = dt.timedelta(minutes=2)
ToLookUp = TypeVar("ToLookUp", DnsRecord, HostedDomain)
"""How long one worker may take for one look before another does it."""
NAME_MAX = 253
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_SUFFIX: dict[Algorithm, str] = {"rsa-sha256": "r", "ed25519-sha256": "e"}
logger = logging.getLogger(__name__)


class KeyWaits(Conflict):
    """There are new keys already whose records are waited for: set them, or discard those keys first."""

    code = "dkim.key_waits"


class KeyUnreadable(Broken):
    """A key that should sign was sealed with another SECRET_KEY."""

    code = "dkim.key_unreadable"


# -- Keys ------------------------------------------------------------------------------------------------------------
def living(domain: str) -> list[SigningKey]:
    """The keys of ``domain`` whose records matter, the newest first, RSA before Ed25519 where they were made together."""
    rows = SigningKey.objects.filter(domain=domain, removed_at=None)
    return sorted(rows, key=lambda key: (key.made_at, key.algorithm), reverse=True)


def make_keys(domain: str, algorithms: Iterable[Algorithm], *, by: int | None) -> list[SigningKey]:
    """A new key of each algorithm; they sign once their records are seen. What signs now goes on until then.

    Raises:
        KeyWaits: there are some already that wait.
        DkimKeyInvalid: the domain is so long that DNS has no room for a key below it.
    """
    algorithms = list(algorithms)
    now = timezone.now()
    stem = f"ws{now:%y%m%d}{''.join(secrets.choice(_LETTERS) for _ in range(4))}"
    if len(f"{stem}r._domainkey.{domain}") > NAME_MAX:
        raise DkimKeyInvalid("The sender's domain is so long that DNS has no room for a key below it.")
    with atomic():
        waiting = [key for key in living(domain) if key.state in (KeyState.MADE, KeyState.PUBLISHED)]
        if any(not key.times.lost for key in waiting):
            raise KeyWaits("There are new keys already that wait for their records.")
        made = [SigningKey.make(domain, kind, f"{stem}{_SUFFIX[kind]}", now) for kind in algorithms]
        for key in made:
            Change.note(Change.Verb.CREATED, key, by=by)
            _watch(key.name, "dkim")
        advance(domain, now)
    return made


def declare(key: SigningKey, *, by: int | None) -> bool:
    """The editor says that the record of a new key is set, whatever we see of DNS; whether that changed anything."""
    now = timezone.now()
    with atomic():
        waiting = SigningKey.objects.filter(pk=key.pk, signing_at=None, retired_at=None, removed_at=None)
        if not waiting.filter(declared_at=None).update(declared_at=now):
            return False
        waiting.filter(seen_at=None).update(seen_at=now)
        Change.note(Change.Verb.CHANGED, key, by=by)
        advance(key.domain, now)
    return True


def discard(key: SigningKey, *, by: int | None) -> bool:
    """A new key is not wanted; whether it was one that had not signed yet."""
    with atomic():
        rows = SigningKey.objects.filter(pk=key.pk, signing_at=None, removed_at=None)
        if not rows.update(removed_at=timezone.now(), sealed=""):
            return False
        DnsRecord.objects.filter(name=key.name).delete()
        Change.note(Change.Verb.REMOVED, key, by=by)
    return True


def advance(domain: str, now: dt.datetime) -> None:
    """Do what `rotation.advanced` says, for each algorithm."""
    with atomic():
        rows = list(SigningKey.objects.select_for_update().filter(domain=domain, removed_at=None))
        for kind in _SUFFIX:
            known = {key.pk: (key, key.times) for key in rows if key.algorithm == kind}
            for after in rotation.advanced([times for _, times in known.values()], now):
                key, before = known[after.pk]
                if after != before:
                    key.become(after)
                    logger.info("dkim.key_moved", extra={"key": key.pk, "state": str(after.state)})
        gone = [key.name for key in rows if key.removed_at]
        DnsRecord.objects.filter(name__in=gone).delete()


# -- Signing ---------------------------------------------------------------------------------------------------------
def signers(domain: str, algorithms: Iterable[Algorithm], *, strict: bool = True) -> tuple[Signer, ...]:
    """Who signs a mail from ``domain``, in the order of the signatures: Ed25519, then RSA. Empty when no key signs.

    Args:
        strict: False: what cannot be read is left out, and logged; somebody waits for the mail.

    Raises:
        KeyUnreadable: a key that signs was sealed with another SECRET_KEY: mails that receivers expect to be signed would go out bare.
    """
    rows = SigningKey.objects.filter(
        domain=domain, algorithm__in=list(algorithms), signing_at__isnull=False, retired_at=None, removed_at=None
    )
    found: list[Signer] = []
    for row in sorted(rows, key=lambda row: row.algorithm):
        signer = _signer(row.pk, row.domain, row.selector, row.sealed)
        if signer is not None:
            found.append(signer)
        elif strict:
            raise KeyUnreadable("The key that signs this site's mails was sealed with another SECRET_KEY.")
        else:
            logger.warning("dkim.key_unreadable", extra={"key": row.pk})
    return tuple(found)


@lru_cache(maxsize=8)
def _signer(pk: int, domain: str, selector: str, sealed: str) -> Signer | None:
    """Reading a key takes longer than signing with it. A row that changes is another entry."""
    pem = SigningKey(pk=pk, sealed=sealed).private
    return Signer(domain, selector, read_key(pem)) if pem is not None else None


# -- DNS -------------------------------------------------------------------------------------------------------------
def _watch(name: str, purpose: str) -> None:
    DnsRecord.objects.get_or_create(name=name, defaults={"purpose": purpose})


def watched(domain: str, envelope_domain: str) -> list[DnsRecord]:
    """What is looked up for a sender: the policies, once there are keys, and each key."""
    names = [envelope_domain, f"_dmarc.{domain}", *(key.name for key in living(domain))]
    return list(DnsRecord.objects.filter(name__in=names))


def watch(domain: str, envelope_domain: str) -> None:
    """From now on look up SPF and DMARC too."""
    _watch(envelope_domain, "spf")
    _watch(f"_dmarc.{domain}", "dmarc")


def look_now(domain: str, envelope_domain: str) -> list[DnsRecord]:
    """An editor wants to know; what is to be looked up."""
    watch(domain, envelope_domain)
    now = timezone.now()
    found = watched(domain, envelope_domain)
    DnsRecord.objects.filter(pk__in=[row.pk for row in found]).update(asked_at=now, due_at=now)
    return found


def claim_due(rows: Iterable[ToLookUp], now: dt.datetime) -> list[ToLookUp]:
    """Those of ``rows`` that are due and that no other worker took, for `CLAIM`."""
    due = [row for row in rows if row.due_at <= now]
    claims = [(row, type(row)._default_manager.filter(pk=row.pk, due_at=row.due_at)) for row in due]
    return [row for row, mine in claims if mine.update(due_at=now + CLAIM)]


def lookup() -> Lookup:
    """Asks the name servers of DNS_SERVERS, or those of the system."""
    from webstreet.mail.lookup import Lookup  # here: 2 MB, which only a worker needs, and only once keys were made

    return Lookup([part.strip() for part in read(os.environ, DNS_SERVERS).split(",") if part.strip()])


def look(row: DnsRecord) -> None:
    """Look one name up and write down what was found. A key whose record is right may sign from now on."""
    asked = timezone.now()
    ask = lookup().texts
    key = _key_of(row.name) if row.purpose == DnsRecord.Purpose.DKIM else None
    if row.purpose == DnsRecord.Purpose.SPF:
        verdict = records.spf(row.name, ask)
    elif row.purpose == DnsRecord.Purpose.DMARC:
        verdict = records.dmarc(row.name.removeprefix("_dmarc."), ask)
    elif key is not None:
        verdict = records.dkim(key.name, key.record, key.domain, ask)
    else:
        row.delete()
        return
    with atomic():
        _note(row, verdict, key, asked)


def _note(row: DnsRecord, verdict: Verdict, key: SigningKey | None, asked: dt.datetime) -> None:
    now = timezone.now()
    waits = key is not None and not key.signing_at
    DnsRecord.objects.filter(pk=row.pk).update(
        kind=verdict.kind,
        fact=verdict.fact,
        found=list(verdict.found),
        checked_at=asked,
        due_at=rotation.next_look(key.made_at if key is not None and waits else None, now),
    )
    if key is None:
        return
    unsigned = SigningKey.objects.filter(pk=key.pk, signing_at=None, declared_at=None)
    if verdict.kind == "right":
        unsigned.filter(seen_at=None).update(seen_at=now)
    elif verdict.kind != "silent":
        # It was there and is not any more: begin to wait again.
        unsigned.update(seen_at=None)
    advance(key.domain, now)


def _key_of(name: str) -> SigningKey | None:
    selector, _, domain = name.partition("._domainkey.")
    return SigningKey.objects.filter(selector=selector, domain=domain, removed_at=None).first()


# -- How it stands ---------------------------------------------------------------------------------------------------
class Standing(Enum):
    """Whether mails are signed. ``trouble``: they are, and receivers cannot find the key."""

    OFF = "off"
    NONE = "none"
    WAITING = "waiting"
    SIGNING = "signing"
    TROUBLE = "trouble"
    LOST = "lost"


def standing(domain: str, algorithms: Iterable[Algorithm]) -> Standing:
    """The state of ``domain`` in one word; ``algorithms`` are those that the site wants."""
    wanted = set(algorithms)
    if not wanted:
        return Standing.OFF
    keys = [key for key in living(domain) if key.algorithm in wanted]
    signing = [key for key in keys if key.state == KeyState.SIGNING]
    if any(key.times.lost for key in signing):
        return Standing.LOST
    if not signing:
        return Standing.WAITING if any(not key.times.lost for key in keys) else Standing.NONE
    bad = DnsRecord.objects.filter(
        name__in=[key.name for key in signing], kind__in=(DnsRecord.Kind.MISSING, DnsRecord.Kind.WRONG)
    )
    return Standing.TROUBLE if bad.exists() else Standing.SIGNING
