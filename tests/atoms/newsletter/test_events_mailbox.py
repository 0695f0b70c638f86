"""The mailbox of bounces, on a real IMAP server: what is ours becomes an event once, whatever else lies in it."""

from __future__ import annotations

import email.policy
import re
import uuid
from email.message import EmailMessage

import pytest
from django.utils import timezone

from tests.atoms.newsletter.test_issues import publish
from webstreet.atoms.newsletter import events, events_mailbox, leaving_by_mail, mails
from webstreet.atoms.newsletter.models import (
    ConsentRecord,
    Delivery,
    Event,
    EventSource,
    Issue,
    MailingList,
    Subscriber,
)
from webstreet.mail.address import normal_address
from webstreet.mail.dsn import SIZE_MAX
from webstreet.mail.errors import MailboxAway, MailboxRefused, MailboxUrlInvalid
from webstreet.mail.mailbox import MailboxUrl, opened

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
BOUNCES = "bounces@news.example.org"
ROUND_S = 60.0


@pytest.fixture
def user(lab_dovecot, monkeypatch, parameters) -> str:
    """An empty mailbox of its own, which the site reads."""
    parameters(bounce_address=BOUNCES)
    name = f"bounces{uuid.uuid4().hex[:12]}"
    lab_dovecot.put(name, [])
    monkeypatch.setenv("BOUNCE_MAILBOX_URL", lab_dovecot.url(name))
    return name


@pytest.fixture
def mailed(subscribers) -> list[Delivery]:
    """Four mails of an issue that a server took."""
    people = subscribers(4)
    issue = Issue.objects.create(article_uuid=uuid.uuid4(), mailing_list=MailingList.main(), subject="Rain")
    rows = [
        Delivery(issue=issue, subscriber=s, number=0, state="sent", changed_at="2100-01-01T00:00:00Z") for s in people
    ]
    for row in rows:
        row.save()
    return rows


def path(row: Delivery) -> str:
    paths = mails.return_paths()
    assert paths is not None
    return paths.make(f"d-{row.pk}")


def bounce(
    to: str, *, status: str = "5.1.1", action: str = "failed", message_id: str = "a.b@example.org", more: str = ""
) -> bytes:
    return "\r\n".join(
        [
            "Return-Path: <>",
            f"Delivered-To: {to}",
            "From: Mail Delivery System <MAILER-DAEMON@mx.example.net>",
            f"To: {to}",
            "Subject: Undelivered Mail Returned to Sender",
            "MIME-Version: 1.0",
            'Content-Type: multipart/report; report-type=delivery-status; boundary="B"',
            "",
            "--B",
            "Content-Type: message/delivery-status",
            "",
            "Reporting-MTA: dns; mx.example.net",
            "",
            "Final-Recipient: rfc822; somebody@example.net",
            f"Action: {action}",
            f"Status: {status}",
            f"Diagnostic-Code: smtp; 550 {status} <somebody@example.net>: User unknown",
            "",
            "--B",
            "Content-Type: text/rfc822-headers",
            "",
            f"Message-ID: <{message_id}>",
            more,
            "--B--",
            "",
        ]
    ).encode()


def complaint(return_path: str) -> bytes:
    return "\r\n".join(
        [
            "From: feedback@isp.example",
            f"To: {BOUNCES}",
            "Subject: FW: Rain",
            "MIME-Version: 1.0",
            'Content-Type: multipart/report; report-type=feedback-report; boundary="B"',
            "",
            "--B",
            "Content-Type: message/feedback-report",
            "",
            "Feedback-Type: abuse",
            "User-Agent: lab/1",
            "Version: 1",
            f"Original-Mail-From: <{return_path}>",
            "",
            "--B--",
            "",
        ]
    ).encode()


def away_note(number: int) -> bytes:
    note = EmailMessage(policy=email.policy.SMTP)
    note["From"], note["To"], note["Subject"] = f"reader{number}@example.net", BOUNCES, "Out of office"
    note["Auto-Submitted"] = "auto-replied"
    note.set_content("I am away until Monday.")
    return note.as_bytes()


def counts() -> tuple[int, int, int]:
    row = EventSource.objects.get(name="mailbox")
    return row.taken, row.other, row.forged


@pytest.mark.requirement("P4")
def test_what_comes_back_is_known_by_its_return_path_and_deleted(lab_dovecot, user, mailed):
    gone, full, spam, known = mailed
    message_id = f"{known.issue.key.hex}.{known.subscriber.public_id.hex}@example.org"
    lab_dovecot.put(
        user,
        [
            bounce(path(gone)),
            bounce(path(full), status="4.2.2"),
            complaint(path(spam)),
            bounce("news@example.org", message_id=message_id),
            bounce(path(full), status="4.4.1", action="delayed"),
        ],
    )
    assert events_mailbox.read_all(ROUND_S) == 4
    assert {(e.kind, e.delivery_id, e.code, e.reason) for e in Event.objects.all()} == {
        ("hard", gone.pk, "5.1.1", "recipient"),
        ("soft", full.pk, "4.2.2", "full"),
        ("complaint", spam.pk, "abuse", ""),
        ("hard", known.pk, "5.1.1", "recipient"),
    }
    assert "somebody@" not in "".join(e.reply or "" for e in Event.objects.all())
    assert [Subscriber.objects.get(pk=row.subscriber_id).status for row in mailed] == [
        "suppressed", "active", "suppressed", "suppressed",
    ]  # fmt: skip
    (left,) = lab_dovecot.left(user)
    assert b"Action: delayed" in left, "what is still being tried is no event, and left to people"
    assert EventSource.objects.get().lease_until is None


def test_a_forged_bounce_strikes_nobody(lab_dovecot, user, mailed):
    forged = path(mailed[0]).replace(f"d-{mailed[0].pk}.", f"d-{mailed[1].pk}.")
    other = complaint(f"bounces+d-{mailed[2].pk}.aaaaaaaaaaaaaaaa@news.example.org")
    lab_dovecot.put(user, [bounce(forged), bounce("s0@example.org"), other])
    assert events_mailbox.read_all(ROUND_S) == 0
    assert counts() == (0, 0, 3)
    assert not Event.objects.exists()
    assert set(Subscriber.objects.values_list("status", flat=True)) == {"active"}


def test_a_kill_between_writing_and_deleting_doubles_nothing(lab_dovecot, user, mailed, monkeypatch):
    from webstreet.mail.mailbox import Mailbox

    lab_dovecot.put(user, [bounce(path(row)) for row in mailed])

    def killed(self, uids):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(Mailbox, "delete", killed)
        with pytest.raises(SystemExit):
            events_mailbox.read_all(ROUND_S)
    assert (Event.objects.count(), len(lab_dovecot.left(user))) == (4, 4)
    EventSource.objects.update(lease_until=None)
    assert events_mailbox.read_all(ROUND_S) == 0
    assert (Event.objects.count(), lab_dovecot.left(user)) == (4, [])


def test_two_sites_that_read_one_mailbox_lose_nothing_of_each_other(lab_dovecot, user, mailed, settings):
    lab_dovecot.put(user, [bounce(path(mailed[0])), away_note(1)])
    ours = settings.SECRET_KEY
    settings.SECRET_KEY = "of another site " * 4
    assert events_mailbox.read_all(ROUND_S) == 0
    assert counts() == (0, 1, 1)
    assert events_mailbox.read_all(ROUND_S) == 0
    assert counts() == (0, 1, 1), "each site looks at it once"
    settings.SECRET_KEY = ours
    assert events_mailbox.read_all(ROUND_S) == 1
    assert Event.objects.get().delivery_id == mailed[0].pk
    assert len(lab_dovecot.left(user)) == 1


def test_who_reads_it_already_is_not_disturbed(lab_dovecot, user, mailed):
    lab_dovecot.put(user, [bounce(path(mailed[0]))])
    assert EventSource.claim(events.MAILBOX, 60)
    assert events_mailbox.read_all(ROUND_S) == 0
    EventSource.release(events.MAILBOX)
    assert events_mailbox.read_all(ROUND_S) == 1


def test_a_mailbox_full_of_junk(lab_dovecot, user, mailed):
    """A huge mail, broken MIME, endless nesting, a thousand notes of absence; in the middle of it two bounces."""
    nested = (
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\nContent-Type: message/rfc822\r\n\r\n" * 2000
    )
    broken = b'Content-Type: multipart/report; boundary="\x00\xff\r\n\xc3\x28: x\r\n\r\n--\x00\xff\r\n\x80\x81'
    huge = bounce(path(mailed[0]), more="x" * (30 * SIZE_MAX))
    junk = [away_note(n) for n in range(1000)]
    lab_dovecot.put(user, [*junk[:500], nested, broken, b"", b"\r\n", huge, bounce(path(mailed[1])), *junk[500:]])
    assert events_mailbox.read_all(ROUND_S) == 2
    taken, other, forged = counts()
    assert (taken, other + forged) == (2, 1004)
    assert len(lab_dovecot.left(user)) == 1004, "people may read what is not ours"
    assert events_mailbox.read_all(ROUND_S) == 0
    assert sum(counts()) == 1006, "nothing is looked at twice"


def test_a_short_round_goes_on_where_it_was(lab_dovecot, user, mailed):
    lab_dovecot.put(user, [bounce(path(row)) for row in mailed])
    rounds = 0
    while Event.objects.count() < 4:
        events_mailbox.read_all(1e-9) if rounds else events_mailbox.read_all(0.02)
        rounds += 1
        if rounds > 3:
            events_mailbox.read_all(ROUND_S)
        assert rounds < 6
    assert lab_dovecot.left(user) == []


def test_a_mailbox_that_cannot_be_read_is_said_once(lab_dovecot, user, monkeypatch, caplog):
    monkeypatch.setenv("BOUNCE_MAILBOX_URL", lab_dovecot.url(user, password="wrong"))
    assert [events_mailbox.read_all(ROUND_S) for _ in range(2)] == [0, 0]
    assert caplog.text.count("mailbox.cannot_be_read") == 1
    assert "wrong" not in caplog.text
    assert EventSource.objects.get().trouble == "mailbox.refused"
    monkeypatch.setenv("BOUNCE_MAILBOX_URL", lab_dovecot.url(user))
    events_mailbox.read_all(ROUND_S)
    assert EventSource.objects.get().trouble == ""


def test_the_worker_reads_it_in_a_thread_of_its_own(lab_dovecot, user, mailed, monkeypatch):
    from webstreet.engine.tasks import ticks

    # The rows of this test are in a transaction of its own only on databases that every thread sees.
    lab_dovecot.put(user, [bounce(path(mailed[0]))])
    ticks["webstreet.atoms.newsletter.tasks.read_what_came_back"].run()
    thread = events_mailbox._reading
    assert thread is not None
    thread.join(ROUND_S)
    assert Event.objects.get().delivery_id == mailed[0].pk
    monkeypatch.delenv("BOUNCE_MAILBOX_URL")
    events_mailbox.start()
    assert events_mailbox._reading is thread, "none is set: nothing is begun"


class TestMailbox:
    def test_a_server_that_is_silent_or_not_there_is_away(self, lab_dovecot, user):
        import socket

        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            url = MailboxUrl.parse(f"imaps://u:p@127.0.0.1:{port}")
            with pytest.raises(MailboxAway), opened(url, timeout_s=0.3):
                pass
        with pytest.raises(MailboxAway), opened(url):
            pass

    def test_another_certificate_is_not_trusted(self, lab_dovecot, user):
        url = lab_dovecot.url(user).partition("?")[0]
        with pytest.raises(MailboxAway), opened(MailboxUrl.parse(url)):
            pass

    def test_a_folder_that_is_not_there(self, lab_dovecot, user):
        with (
            pytest.raises(MailboxRefused) as refused,
            opened(MailboxUrl.parse(lab_dovecot.url(user, folder="No%20such"))),
        ):
            pass
        assert refused.value.error_code == "mailbox.folder"

    @pytest.mark.parametrize(
        "url",
        [
            "imap://u:p@host",
            "imaps://host",
            "imaps://u@host",
            "imaps://u:p@host:x",
            "imaps://u:p@host/INBOX?x=1",
            "imaps://u:p@host/Bo%C3%AEte",
            "",
        ],
    )
    def test_a_url_that_cannot_be_used_is_refused_without_its_password(self, url):
        with pytest.raises(MailboxUrlInvalid) as refused:
            MailboxUrl.parse(url)
        assert "u:p" not in str(refused.value)

    def test_what_a_url_says(self):
        url = MailboxUrl.parse("imap+tls://news%40example.org:p%2Fw@mail.example.org/Bounces/All?ca_file=/ca.pem")
        assert (url.port, url.is_tls, url.user, url.folder) == (143, False, "news@example.org", "Bounces/All")
        assert url.password.reveal() == "p/w"
        assert "p/w" not in f"{url} {url!r}"


# -- Who unsubscribes by mail ------------------------------------------------------------------------------------------
def leave(to: str, **headers: str) -> bytes:
    """What a mail program sends for ``mailto:`` in List-Unsubscribe."""
    asked = EmailMessage(policy=email.policy.SMTP)
    asked["From"], asked["To"], asked["Subject"] = "whoever@example.net", to, "unsubscribe"
    for name, value in headers.items():
        asked[name.replace("_", "-")] = value
    asked.set_content("This message was automatically generated by a mail program.")
    return asked.as_bytes()


def leaving_address(person: Subscriber) -> str:
    return leaving_by_mail.LeavingAddresses(BOUNCES).of(person.unsubscribe_token).partition("?")[0]


@pytest.mark.requirement("P4")
def test_who_writes_to_the_address_in_the_headers_is_unsubscribed(
    lab_dovecot, user, announce, subscribers, smtp, drain, monkeypatch
):
    people = subscribers(3)
    assert events_mailbox.read_all(ROUND_S) == 0
    publish(announce())
    drain()
    asked = []
    for mail in smtp.messages:
        by_mail, by_web = mail.parsed["List-Unsubscribe"].split(", ")
        assert re.fullmatch(r"<https://blog\.example\.com/\S+>", by_web)
        assert mail.parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        found = re.fullmatch(r"<mailto:(bounces\+u-[0-9a-f]{40}@news\.example\.org)\?subject=unsubscribe>", by_mail)
        assert found, by_mail
        assert normal_address(found[1]) == found[1]
        assert events.mail_of_path([found[1]]) == events.Mail(), "it is no return path"
        assert leaving_by_mail.who_leaves(leave(mail.sender)) is None, "and a return path unsubscribes nobody"
        asked.append((mail.recipients[0], found[1]))
    (one, address), (two, other), (three, _) = asked
    lab_dovecot.put(user, [leave(address), leave("x@example.org", Delivered_To=other.upper()), bounce(address)])
    smtp.messages.clear()
    assert events_mailbox.read_all(ROUND_S) == 2
    drain()
    assert {s.email: s.status for s in Subscriber.objects.all()} == {
        one: "unsubscribed", two: "unsubscribed", three: "active",
    }  # fmt: skip
    assert {c.subscriber.email: (c.event, c.source) for c in ConsentRecord.objects.all()} == {
        one: ("withdrawn", "mail"), two: ("withdrawn", "mail"),
    }  # fmt: skip
    assert smtp.messages == [], "nothing is answered: there is no loop"
    assert len(lab_dovecot.left(user)) == 1, "a bounce to an address that cannot bounce"
    assert not Event.objects.exists()
    assert len(people) == 3


def test_who_wrote_and_was_killed_over_is_unsubscribed_once(lab_dovecot, user, subscribers):
    (person,) = subscribers(1)
    lab_dovecot.put(user, [leave(leaving_address(person))] * 3)
    assert events_mailbox.read_all(ROUND_S) == 3
    assert ConsentRecord.objects.count() == 1
    assert lab_dovecot.left(user) == []


def test_what_is_forged_foreign_old_or_automatic_unsubscribes_nobody(lab_dovecot, user, subscribers, mailed):
    person, gone = mailed[0].subscriber, mailed[1].subscriber
    address, of_who_is_gone = leaving_address(person), leaving_address(gone)
    Subscriber.objects.filter(pk=gone.pk).delete()
    token = address.partition("+u-")[2].partition("@")[0]
    nothing = [
        leave(address.replace(token, token[::-1])),
        leave(address.replace(token, token[:-1])),
        leave(address.replace("+u-", "+d-")),
        leave(f"bounces+u-{person.public_id.hex}@news.example.org"),
        leave(f"bounces+u-{'0' * 40}@news.example.org"),
        leave(path(mailed[0])),
        leave(path(mailed[0]).replace("+d-", "+u-")),
        leave(BOUNCES),
        leave(of_who_is_gone),
        leave(address, Auto_Submitted="auto-replied"),
        leave(address, Auto_Submitted="Auto-Replied (vacation)"),
        leave(address, Return_Path="<>"),
        leave(address, Precedence="auto_reply"),
        leave(address, X_Autoreply="yes"),
        bounce(address),
        complaint(address),
    ]
    lab_dovecot.put(user, nothing)
    assert events_mailbox.read_all(ROUND_S) == 0
    assert set(Subscriber.objects.values_list("status", flat=True)) == {"active"}
    assert not ConsentRecord.objects.exists()
    assert len(lab_dovecot.left(user)) == len(nothing), "people may read it"
    lab_dovecot.put(user, [leave(address, Auto_Submitted="auto-generated")])
    assert events_mailbox.read_all(ROUND_S) == 1, "a mail program that does it by itself is no answer"


def test_the_address_is_in_the_headers_only_while_it_works(lab_dovecot, user, subscribers, parameters, monkeypatch):
    (person,) = subscribers(1)
    assert leaving_by_mail.addresses_at(BOUNCES) is None, "nobody has read the mailbox yet"
    events_mailbox.read_all(ROUND_S)
    found = leaving_by_mail.addresses_at(BOUNCES)
    assert found is not None
    assert found.of(person.unsubscribe_token).startswith("bounces+u-")
    assert found.of("from-elsewhere") == found.of("é" * 27) == found.of("") == ""
    assert leaving_by_mail.addresses_at("") is None
    longest = leaving_by_mail.LeavingAddresses(f"{'x' * 20}@example.org").of(person.unsubscribe_token)
    assert normal_address(longest.partition("?")[0])
    EventSource.objects.update(looked_at=timezone.now() - 2 * leaving_by_mail.FRESH)
    assert leaving_by_mail.addresses_at(BOUNCES) is None, "nobody reads it any more"
    monkeypatch.setenv("BOUNCE_MAILBOX_URL", lab_dovecot.url(user, password="wrong"))
    events_mailbox.read_all(ROUND_S)
    assert leaving_by_mail.addresses_at(BOUNCES) is None
    EventSource.count(events.MAILBOX)
    monkeypatch.delenv("BOUNCE_MAILBOX_URL")
    assert leaving_by_mail.addresses_at(BOUNCES) is None
