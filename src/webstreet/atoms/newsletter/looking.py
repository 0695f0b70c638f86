"""The worker's looks into DNS, and the keys that move on by time alone."""

from __future__ import annotations

from django.utils import timezone

from webstreet.atoms.newsletter import identity, mails
from webstreet.atoms.newsletter.models.base import APP
from webstreet.atoms.newsletter.models.identity import DnsRecord
from webstreet.engine.tasks import every, task


@task(queue="bulk", atom=APP)
def look_up(record_id: int) -> None:
    """Look up one name, whose row was claimed."""
    row = DnsRecord.objects.filter(pk=record_id).first()
    if row is not None:
        identity.look(row)


@every(5)
def look_up_what_is_due() -> None:
    """Nothing on a site that never made keys."""
    domain, now = mails.sender().domain, timezone.now()
    for row in identity.claim_due(identity.watched(domain, mails.envelope_domain()), now):
        look_up.enqueue(row.pk)


@every(60)
def move_keys() -> None:
    """A new key takes over, the record of an old one is needed no more."""
    identity.advance(mails.sender().domain, timezone.now())
