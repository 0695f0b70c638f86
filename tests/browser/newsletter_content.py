"""Run inside a site's Django: subscribers and issues of every kind that a screen must stand. Prints what tests need as JSON, last."""

import datetime as dt
import json
import uuid

from django.db import connections
from django.utils import timezone

from webstreet.atoms.newsletter import audience, identity, ledger, mails, suppression
from webstreet.atoms.newsletter.events import Kind, Mail, Told, note
from webstreet.atoms.newsletter.models import (
    AudienceDay,
    BulkJob,
    Change,
    Delivery,
    DnsRecord,
    Issue,
    MailingList,
    Membership,
    SigningKey,
    Subscriber,
    Token,
)
from webstreet.atoms.newsletter.models.base import atomic
from webstreet.atoms.newsletter.models.limits import Pace
from webstreet.engine.announcements import Announcement

NOW = timezone.now()
CROWD = 100_000
LONG_WORD = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverordnung"
TITLE_200 = (f"A title of two hundred characters, pasted in a hurry: {LONG_WORD}, and then some more of it " * 3)[:200]
ARABIC = "للأخطبوط ثلاثة قلوب ودم أزرق"
BODY = (
    "<p>An octopus decides within a second whether you are food, with <a href='https://example.com/a'>a link</a>.</p>"
    f"<h2>How it begins</h2><ul><li>one</li><li>two</li></ul><blockquote>It is not a handshake.</blockquote><p>{LONG_WORD}</p>"
)

main = MailingList.main()
events, _made = MailingList.objects.get_or_create(key="events", defaults={"title": f"Events and {LONG_WORD}"})
people = [
    Subscriber.objects.create(
        email=f"a.{'very.' * 11}long.local.part@{'sub.' * 12}example.org", name=LONG_WORD, status="active"
    ),
    Subscriber.objects.create(
        email="noor@example.org", name="نور الدين", status="active", language="fr", source="import:wordpress"
    ),
    Subscriber.objects.create(email="left@example.net", name="Left", status="unsubscribed"),
    Subscriber.objects.create(email="waits@example.net", status="pending"),
    Subscriber.objects.create(email="barred@example.net", status="suppressed"),
    *(Subscriber.objects.create(email=f"reader{i}@example.com", status="active") for i in range(12)),
]
Membership.objects.bulk_create(Membership(mailing_list=main, subscriber=s) for s in people)
for person in people[:2]:
    person.note_consent(
        "asked", version="1", text="I agree to receive new articles by mail.", source="form", network="203.0.113.0/24"
    )
    person.note_consent(
        "confirmed",
        version="1",
        text="I agree to receive new articles by mail.",
        source="link",
        network="203.0.113.0/24",
    )
    Change.note(Change.Verb.CHANGED, person, by=1)


def issue(subject: str, **values: object) -> Issue:
    # ``woken_at`` and ``due_at`` are far away: the site's own worker leaves these issues as they are.
    key, url = uuid.uuid4(), "http://localhost/articles/x/"
    told = Announcement(key, subject, url, "Excerpt.", BODY, "en", "", NOW, "Maud Le Goff", intro="What it is about.")
    written = mails.write_issue(told)
    found = Issue.objects.create(
        article_uuid=key,
        mailing_list=main,
        subject=subject,
        language="en",
        html=written.html,
        text=written.text,
        article_url=url,
        woken_at=NOW + dt.timedelta(days=1),
        due_at=NOW + dt.timedelta(days=1),
        **values,
    )
    Change.note(Change.Verb.CREATED, found, by=None)
    return found


mixed = issue(TITLE_200, started_at=NOW - dt.timedelta(minutes=3))
ledger.freeze_audience(mixed)
rows = list(mixed.deliveries.order_by("id"))
for row, (state, code, reply) in zip(
    rows,
    [
        ("failed", "550 5.1.1", "5.1.1 <…>: Recipient address rejected: User unknown in virtual mailbox table"),
        ("deferred", "451 4.7.1", "4.7.1 Greylisted, try again later"),
        ("uncertain", "closed", None),
        ("failed", "552", f"Mailbox full {LONG_WORD}"),
        *[("sent", "250 2.0.0", None)] * 4,
    ],
    strict=False,
):
    Delivery.objects.filter(pk=row.pk).update(state=state, code=code, reply=reply, attempts=1, changed_at=NOW)
held = mixed.chunks.get()
mixed.chunks.filter(pk=held.pk).update(lease_token="x", lease_until=NOW + dt.timedelta(minutes=10))
Delivery.objects.filter(pk=rows[9].pk).update(state="sending", attempts=1, changed_at=NOW - dt.timedelta(minutes=1))
Pace.objects.bulk_create(
    Pace(issue=mixed, slot=Pace.slot_of(NOW) - 18 + n, count=(0, 1200, 9400, 11_100)[min(n, 3)] - 200 * n * (n > 3))
    for n in range(1, 19)
)

arabic = issue(ARABIC, started_at=NOW - dt.timedelta(days=3))
ledger.freeze_audience(arabic)
arabic.deliveries.update(state="sent", code="250 2.0.0")
arabic.chunks.update(closed=True, sent=arabic.deliveries.count())
bounced, complained = people[-1], people[-2]
suppression.bar("loud@example.org", why=f"They threatened us: {LONG_WORD}", by=1)
for who, kind, code, reply in (
    (bounced, "soft", "4.2.2", f"Mailbox full {LONG_WORD}"),
    (bounced, "hard", "550 5.1.1", "… Recipient address rejected: User unknown in virtual mailbox table"),
    (complained, "complaint", "abuse", ""),
):
    row = arabic.deliveries.get(subscriber=who)
    mail = Mail(who.pk, arabic.pk, row.pk, timezone.now())
    note([Told("mailbox", f"{kind}{who.pk}", Kind(kind), mail, NOW, code, reply=reply)])
paused = issue("A calm subject", started_at=NOW - dt.timedelta(hours=2), paused_at=NOW, trouble="sender.policy")
ledger.freeze_audience(paused)
draft = issue("Snow on Sunday")
overdue = issue(f"{TITLE_200[:60]} {LONG_WORD}", overdue_since=NOW - dt.timedelta(hours=28))
with atomic():
    # A key that signs, one replaced, one whose record is wrong; looked up next in days, so that the worker leaves them as they are.
    domain = mails.sender().domain
    for kind in ("rsa-sha256", "ed25519-sha256"):
        (key,) = identity.make_keys(domain, [kind], by=1)
        SigningKey.objects.filter(pk=key.pk).update(seen_at=NOW, signing_at=NOW)
    SigningKey.objects.filter(pk=key.pk).update(retired_at=NOW, sealed="")
    (key,) = identity.make_keys(domain, ["rsa-sha256"], by=1)
    identity.watch(domain, domain)
    told = {"checked_at": NOW, "due_at": NOW + dt.timedelta(days=9)}
    DnsRecord.objects.update(kind="right", found=["v=DKIM1; p=x"], **told)
    DnsRecord.objects.filter(name=key.name).update(kind="wrong", fact="cut", found=[key.record[:255]])
    DnsRecord.objects.filter(purpose="spf").update(
        kind="wrong", fact="several", found=["v=spf1 mx -all", "v=spf1 -all"]
    )
    DnsRecord.objects.filter(purpose="dmarc").update(kind="missing", fact="", found=[])
job = BulkJob.objects.create(verb="remove", total=1200, done=1180, passed=20, finished_at=NOW)

with connections["newsletter"].cursor() as cursor:
    # One statement of the stage's SQLite instead of 100,000 objects.
    cursor.execute(
        """INSERT INTO newsletter_subscriber
        (public_id, email, name, language, status, status_since, created_at, source, unsubscribe_token)
        WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %s)
        SELECT lower(hex(randomblob(16))), 'crowd' || i || '@example.com', '', CASE i %% 3 WHEN 0 THEN 'fr' ELSE 'en' END,
        'active', %s, %s, 'form', lower(hex(randomblob(14))) FROM n""",
        [CROWD, NOW, NOW],
    )
walks = {}
for language in ("en", "fr"):
    # What a reader goes through ends with nothing being known of them, so each part has a person of its own.
    new, out, stays, moves, gone = (
        Subscriber.objects.create(
            email=f"{part}.{language}@example.org", language=language, status="pending" if part == "new" else "active"
        )
        for part in ("new", "out", "stays", "moves", "gone")
    )
    Membership.objects.bulk_create(Membership(mailing_list=main, subscriber=s) for s in (new, out, stays, moves, gone))
    gone.note_consent("asked", version="1", text="I agree to receive new articles by mail.", source="form")
    walks[f"walk {language}"] = {
        "confirm": Token.make(Token.Purpose.CONFIRM, new, hours=20),
        "unsubscribe": out.unsubscribe_token,
        "preferences": stays.preferences_token,
        "address": Token.make(Token.Purpose.ADDRESS, moves, hours=20, email=f"moved.{language}@example.org"),
        "data": Token.make(Token.Purpose.DATA, gone, hours=20),
    }
AudienceDay.objects.all().delete()
today = NOW.astimezone(dt.UTC).date()
AudienceDay.objects.bulk_create(
    AudienceDay(day=today - dt.timedelta(days=back), active=int(1400 * 0.995**back), joined=9) for back in range(360)
)
audience.count_today()
print(
    json.dumps(
        {
            "mixed": mixed.pk,
            "arabic": arabic.pk,
            "paused": paused.pk,
            "draft": draft.pk,
            "overdue": overdue.pk,
            "job": job.pk,
            "bounced": bounced.pk,
            "long": people[0].pk,
            "noor": people[1].pk,
            "preferences": people[1].preferences_token,
            "english": people[5].preferences_token,
            "unsubscribe": people[5].unsubscribe_token,
            "left": people[2].unsubscribe_token,
            "data": Token.make(Token.Purpose.DATA, people[1], hours=20),
            "data en": Token.make(Token.Purpose.DATA, people[5], hours=20),
            "left preferences": people[2].preferences_token,
            "undo": Token.make(Token.Purpose.UNDO, people[2], hours=20),
            "confirm": Token.make(Token.Purpose.CONFIRM, people[3], hours=20),
            "confirm fr": Token.make(Token.Purpose.CONFIRM, people[3], hours=20),
            "expired": Token.make(Token.Purpose.CONFIRM, people[3], hours=-1),
            "expired address": Token.make(Token.Purpose.ADDRESS, people[5], hours=-1, email="new@example.com"),
            "address": Token.make(Token.Purpose.ADDRESS, people[5], hours=20, email="new@example.com"),
            **walks,
        }
    )
)
