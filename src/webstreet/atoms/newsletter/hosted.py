"""Companies and schools whose mail lies with a large provider: it counts what they get together with its own domains.

Only DNS knows (their MX records), and a batch must not wait for DNS. So a domain that a limit meets for the first time counts by itself,
its name is written down, and a worker looks it up; from then on it counts as its provider's.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Collection

from django.utils import timezone

from webstreet.atoms.newsletter import identity
from webstreet.atoms.newsletter.models.base import APP
from webstreet.atoms.newsletter.models.hosted import HostedDomain
from webstreet.engine.tasks import every, task
from webstreet.mail.families import TITLES, domain_of, family_by_servers, family_of

AGAIN_AFTER = dt.timedelta(days=7)
WHEN_SILENT = dt.timedelta(hours=1)
KEPT_FOR = dt.timedelta(days=30)
"""A name that no limit met for so long is forgotten."""
MET_EVERY = dt.timedelta(days=1)
AT_ONCE = 25
STEP_S = 0.5
"""A tenth of a worker's time: mails go first."""


def families(domains: Collection[str]) -> dict[str, str]:
    """The family of each of these normalised domains, as far as it is known now. One query, for those that are no provider's own."""
    found, rows = _known(domains)
    return found | {row.domain: row.family for row in rows if row.family}


def meet(domains: Collection[str]) -> dict[str, str]:
    """`families` of those that are written to now; what is not known of them is to be looked up."""
    now = timezone.now()
    found, rows = _known(domains)
    stale = [row.pk for row in rows if row.met_at < now - MET_EVERY]
    if stale:
        HostedDomain.objects.filter(pk__in=stale).update(met_at=now)
    unknown = {domain for domain, family in found.items() if family not in TITLES} - {row.domain for row in rows}
    if unknown:
        # Another worker may write the same names at this moment.
        new = [HostedDomain(domain=domain, met_at=now, due_at=now) for domain in sorted(unknown)]
        HostedDomain.objects.bulk_create(new, ignore_conflicts=True)
    return found | {row.domain: row.family for row in rows if row.family}


def _known(domains: Collection[str]) -> tuple[dict[str, str], list[HostedDomain]]:
    """Families by name alone, and the rows of those that are no provider's own."""
    found = {domain: family_of(domain) for domain in domains}
    asked = [domain for domain, family in found.items() if family not in TITLES]
    return found, list(HostedDomain.objects.filter(domain__in=asked)) if asked else []


def forget(address: str) -> None:
    """The domain of somebody who is erased may name them. It is met again if others have it."""
    HostedDomain.objects.filter(domain=domain_of(address)).delete()


def forget_old(now: dt.datetime) -> None:
    HostedDomain.objects.filter(met_at__lt=now - KEPT_FOR).delete()


@every(5)
def look_up_hosted_domains() -> None:
    """Nothing on a site without limits: none of them met a domain."""
    now = timezone.now()
    due = HostedDomain.objects.filter(due_at__lte=now).order_by("due_at")[:AT_ONCE]
    mine = [row.pk for row in identity.claim_due(due, now)]
    if mine:
        look_up_domains.enqueue(mine)


@task(queue="bulk", atom=APP)
def look_up_domains(row_ids: list[int]) -> None:
    """Look up names, whose rows were claimed, until the step is over. Those that are left are due again when the claim ends."""
    end = time.monotonic() + STEP_S
    ask = identity.lookup().mail_servers
    for row in HostedDomain.objects.filter(pk__in=row_ids):
        answer = ask(row.domain)
        now = timezone.now()
        if answer.kind == "silent":
            HostedDomain.objects.filter(pk=row.pk).update(due_at=now + WHEN_SILENT)
        else:
            family = family_by_servers(row.domain, answer.texts)
            known = family if family in TITLES else ""
            HostedDomain.objects.filter(pk=row.pk).update(family=known, due_at=now + AGAIN_AFTER)
        if time.monotonic() >= end:
            break
