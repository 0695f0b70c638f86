"""As whom a site writes: keys from their making to their removal, asked of a real DNS server; mails verified by dkimpy as they arrived."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator

import dkim
import pytest
from django.db import connections
from django.utils import timezone

from webstreet.atoms.newsletter import identity, looking, mails
from webstreet.atoms.newsletter.identity import KeyWaits, Standing
from webstreet.atoms.newsletter.models import DnsRecord, EventSource, Issue, Notice, SigningKey, TestMail
from webstreet.atoms.newsletter.rotation import KEEP, SETTLE
from webstreet.engine import hooks
from webstreet.engine.tasks import enqueue_on_commit
from webstreet.mail import lookup
from webstreet.testing.dns import DnsServer
from webstreet.testing.smtp import Received

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
DOMAIN = "blog.example.com"
RSA, ED25519 = "rsa-sha256", "ed25519-sha256"


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[DnsServer]:
    """The name server that the site asks."""
    monkeypatch.setattr(lookup, "ONE_S", 0.5)
    with DnsServer() as server:
        monkeypatch.setenv("DNS_SERVERS", server.address)
        yield server


def make() -> dict[str, SigningKey]:
    made = identity.make_keys(DOMAIN, mails.algorithms(), by=1)
    return {key.algorithm: key for key in made}


def publish(dns: DnsServer, *keys: SigningKey) -> None:
    for key in keys:
        dns.records[key.name] = [key.record]


def look(drain: Callable[[], int]) -> None:
    """The worker, as soon as everything is due."""
    DnsRecord.objects.update(due_at=timezone.now())
    looking.look_up_what_is_due()
    drain()


def signing(dns: DnsServer, drain: Callable[[], int]) -> dict[str, SigningKey]:
    keys = make()
    publish(dns, *keys.values())
    look(drain)
    return keys


def states() -> dict[str, str]:
    return {key.selector: str(key.state) for key in SigningKey.objects.all()}


def verified(dns: DnsServer, mail: Received) -> list[tuple[str, bool]]:
    """Algorithm of each signature, first to last, and whether dkimpy finds it good."""

    def answer(name: bytes, timeout: int = 5) -> bytes:
        return "".join(dns.records.get(name.decode().rstrip("."), "")).encode()

    algorithms = re.findall(rb"^DKIM-Signature: v=1; a=([a-z0-9-]+);", mail.content, re.MULTILINE)
    return [
        (name.decode(), dkim.DKIM(mail.content).verify(number, dnsfunc=answer))
        for number, name in enumerate(algorithms)
    ]


BOTH = [("ed25519-sha256", True), ("rsa-sha256", True)]


def send_issue(announce: Callable, drain: Callable[[], int], **changes: object) -> Issue:
    hooks.call("article_first_public", announce(**changes).uuid)
    drain()
    return Issue.objects.order_by("-id")[0]


# -- What arrives ----------------------------------------------------------------------------------------------------
@pytest.mark.requirement("P4")
def test_every_mail_of_an_issue_is_signed_twice_and_verifies(dns, announce, subscribers, smtp, drain):
    signing(dns, drain)
    subscribers(5)
    send_issue(announce, drain)
    assert len(smtp.messages) == 5
    assert [verified(dns, mail) for mail in smtp.messages] == [BOTH] * 5
    spoilt = smtp.messages[0].content.replace(b"List-Unsubscribe=One-Click", b"List-Unsubscribe=One-Klick")
    assert verified(dns, Received("", [], spoilt, 0.0)) == [("ed25519-sha256", False), ("rsa-sha256", False)]


def test_notices_and_test_mails_are_signed_too(dns, announce, reader, drain, smtp):
    signing(dns, drain)
    reader.sign_up("ada@example.org")
    drain()
    reader.web.post(reader.link("ada@example.org", "confirm"))
    drain()
    issue = send_issue(announce, drain)
    test = TestMail.objects.create(issue=issue, email="editor@example.org")
    from webstreet.atoms.newsletter import tasks

    enqueue_on_commit(tasks.send_test, test.pk, using="newsletter")
    drain()
    assert len(smtp.messages) == 4, "to confirm, welcome, issue, test"
    assert [verified(dns, mail) for mail in smtp.messages] == [BOTH] * 4
    assert not Notice.open().exists()


def test_the_skeleton_is_kept_when_the_keys_change(dns, announce, subscribers, smtp, drain):
    issue = send_issue(announce, drain)
    before = mails.Mailing(issue)
    keys = signing(dns, drain)
    after = mails.Mailing(issue)
    assert before._skeleton is after._skeleton
    assert before._signers == ()
    assert [signer.selector for signer in after._signers] == [keys[ED25519].selector, keys[RSA].selector]


def test_rsa_alone_or_none_as_the_site_wants_it(dns, announce, subscribers, smtp, drain, parameters):
    signing(dns, drain)
    subscribers(1)
    parameters(dkim="rsa")
    send_issue(announce, drain)
    parameters(dkim="off")
    send_issue(announce, drain)
    assert [verified(dns, mail) for mail in smtp.messages] == [BOTH[1:], []]
    assert identity.standing(DOMAIN, mails.algorithms()) is Standing.OFF


# -- Bulk senders' rules, of what leaves a site ------------------------------------------------------------------------
def signed_names(mail: Received) -> list[list[str]]:
    found = re.findall(rb"^DKIM-Signature:.*?\sh=(.*?);", mail.content, re.MULTILINE | re.DOTALL)
    return [re.sub(r"\s", "", names.decode()).split(":") for names in found]


def by_web(mail: Received) -> str:
    return mail.parsed["List-Unsubscribe"].split(", ")[-1].strip("<>")


ONCE = (
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
)
RULES: dict[str, Callable[[Received], object]] = {
    "signed by the domain in From (DMARC alignment)": lambda m: set(re.findall(rb"\sd=([^;]+);", m.content.partition(b"\r\n\r\n")[0]))
    == {m.parsed["From"].addresses[0].domain.encode()},
    "the return path is in the domain of From (SPF alignment)": lambda m:
    m.sender.rpartition("@")[2] == m.parsed["From"].addresses[0].domain,
    "the one-click headers are there, by https, and signed (RFC 8058)": lambda m: m.parsed["List-Unsubscribe-Post"]
    == "List-Unsubscribe=One-Click"
    and by_web(m).startswith("https://")
    and all({"list-unsubscribe", "list-unsubscribe-post"} <= set(names) for names in signed_names(m)),
    "unsubscribe by mail too (RFC 2369), at the mailbox that is read": lambda m: re.match(
        r"<mailto:bounces\+u-[0-9a-f]{40}@blog\.example\.com\?subject=unsubscribe>, <https:", m.parsed["List-Unsubscribe"]
    ),
    "From, Subject, Date, To, Message-ID and MIME headers are signed": lambda m: all(
        {"from", "subject", "date", "to", "message-id", "mime-version", "content-type"} <= set(names) for names in signed_names(m)
    ),
    "nobody can add a From, Subject, Date or To": lambda m: all(
        names.count(name) == 2 for names in signed_names(m) for name in ("from", "subject", "date", "to")
    ),
    "one From with one address": lambda m: len(m.parsed.get_all("From")) == 1 and len(m.parsed["From"].addresses) == 1,
    "each header once that may occur once (RFC 5322 3.6)": lambda m: all(len(m.parsed.get_all(name)) == 1 for name in ONCE),
    "a Message-ID of the sender's domain": lambda m: re.fullmatch(r"<[^<>@\s]+@blog\.example\.com>", m.parsed["Message-ID"]),
    "a date of now": lambda m: abs(m.parsed["Date"].datetime - timezone.now()) < dt.timedelta(minutes=10),
    "a List-Id and a Feedback-ID of four fields": lambda m: m.parsed["List-Id"] and m.parsed["Feedback-ID"].count(":") == 3,
    "the link to unsubscribe is in the body too": lambda m: all(
        by_web(m) in m.body(part) for part in ("plain", "html")
    ),
    "lines of at most 998 octets, ended by CRLF, ASCII, no NUL": lambda m: max(map(len, m.content.split(b"\r\n"))) <= 998
    and b"\n" not in m.content.replace(b"\r\n", b"") and m.content.isascii() and b"\0" not in m.content,
    "smaller than where Gmail cuts": lambda m: len(m.content) < 102_400,
}  # fmt: skip


@pytest.mark.requirement("P4")
def test_rules_for_bulk_senders(dns, announce, subscribers, smtp, drain, parameters, monkeypatch):
    monkeypatch.setenv("BOUNCE_MAILBOX_URL", "imaps://u:p@mail.example.org")
    EventSource.count(EventSource.MAILBOX)
    parameters(bounce_address=f"bounces@{DOMAIN}", sender_name="Zoé, “la première”")
    signing(dns, drain)
    subscribers(1)
    send_issue(announce, drain, title="Été 日本 " * 12)
    (mail,) = smtp.messages
    assert verified(dns, mail) == BOTH
    assert [name for name, holds in RULES.items() if not holds(mail)] == []


# -- Return paths ----------------------------------------------------------------------------------------------------
def test_each_mail_has_a_return_path_that_names_it(announce, reader, subscribers, smtp, drain, parameters):
    subscribers(2)
    reader.sign_up("ada@example.org")
    drain()
    parameters(bounce_address="bounces@example.org")
    issue = send_issue(announce, drain)
    paths = mails.return_paths()
    senders = {mail.recipients[0]: mail.sender for mail in smtp.messages}
    assert senders.pop("ada@example.org") == f"newsletter@{DOMAIN}", "before there was a mailbox for it"
    named = {address: paths.read(sender) for address, sender in senders.items()}
    assert named == {row.subscriber.email: f"d-{row.pk}" for row in issue.deliveries.all()}
    assert paths.read(senders["s0@example.org"].replace("bounces+d-", "bounces+d-1")) is None
    reader.sign_up("bob@example.org")
    drain()
    notice = Notice.objects.get(subscriber__email="bob@example.org")
    assert paths.read(smtp.to("bob@example.org")[0].sender) == f"n-{notice.pk}"


# -- The life of keys ------------------------------------------------------------------------------------------------
def test_nothing_is_signed_before_the_record_is_seen(dns, announce, subscribers, smtp, drain):
    keys = make()
    subscribers(1)
    look(drain)
    send_issue(announce, drain)
    assert set(states().values()) == {"made"}
    assert identity.standing(DOMAIN, mails.algorithms()) is Standing.WAITING
    publish(dns, keys[RSA])
    look(drain)
    send_issue(announce, drain)
    publish(dns, keys[ED25519])
    look(drain)
    send_issue(announce, drain)
    assert [verified(dns, mail) for mail in smtp.messages] == [[], BOTH[1:], BOTH]
    assert identity.standing(DOMAIN, mails.algorithms()) is Standing.SIGNING


def test_a_rotation_with_overlap(dns, announce, subscribers, smtp, drain):
    old = signing(dns, drain)
    subscribers(1)
    new = make()
    with pytest.raises(KeyWaits):
        make()
    publish(dns, *new.values())
    look(drain)
    send_issue(announce, drain)
    assert f"s={old[RSA].selector};".encode() in smtp.messages[0].content, (
        "the old one signs until every name server has the new"
    )
    now = timezone.now()
    identity.advance(DOMAIN, now + SETTLE)
    send_issue(announce, drain)
    assert [verified(dns, mail) for mail in smtp.messages] == [BOTH, BOTH]
    assert f"s={new[RSA].selector};".encode() in smtp.messages[1].content
    assert f"s={old[RSA].selector};".encode() not in smtp.messages[1].content
    assert {states()[key.selector] for key in old.values()} == {"retired"}
    assert set(SigningKey.objects.filter(retired_at__isnull=False).values_list("sealed", flat=True)) == {""}
    identity.advance(DOMAIN, now + SETTLE + KEEP + dt.timedelta(seconds=1))
    assert {states()[key.selector] for key in old.values()} == {"removed"}
    assert {states()[key.selector] for key in new.values()} == {"signing"}
    assert not DnsRecord.objects.filter(name=old[RSA].name).exists()


def test_an_editor_says_that_the_record_is_set(dns, drain):
    keys = make()
    assert identity.declare(keys[RSA], by=1)
    assert not identity.declare(keys[RSA], by=1)
    look(drain)
    assert states()[keys[RSA].selector] == "signing"
    assert identity.standing(DOMAIN, [RSA]) is Standing.TROUBLE, "and DNS says otherwise"
    publish(dns, keys[RSA])
    look(drain)
    assert identity.standing(DOMAIN, [RSA]) is Standing.SIGNING


def test_a_new_key_is_discarded_and_one_that_signed_is_not(dns, drain):
    signing(dns, drain)
    new = make()
    assert identity.discard(new[RSA], by=1)
    assert SigningKey.objects.get(pk=new[RSA].pk).sealed == ""
    assert not identity.discard(SigningKey.objects.exclude(signing_at=None)[0], by=1)


def test_a_record_that_goes_away_before_its_key_signs_is_waited_for_again(dns, drain):
    old = signing(dns, drain)
    new = make()
    publish(dns, new[RSA])
    look(drain)
    assert states()[new[RSA].selector] == "published"
    dns.records[new[RSA].name] = "servfail"
    look(drain)
    assert states()[new[RSA].selector] == "published", "nobody answered: that says nothing"
    del dns.records[new[RSA].name]
    look(drain)
    assert states()[new[RSA].selector] == "made"
    dns.records[old[RSA].name] = ["v=DKIM1; k=rsa; p="]
    look(drain)
    assert states()[old[RSA].selector] == "signing"
    assert identity.standing(DOMAIN, mails.algorithms()) is Standing.TROUBLE


# -- Secrets ---------------------------------------------------------------------------------------------------------
def test_with_another_secret_key_issues_wait_and_people_do_not(dns, announce, reader, smtp, drain, settings, caplog):
    signing(dns, drain)
    from webstreet.atoms.newsletter.models import MailingList, Membership, Subscriber

    ada = Subscriber.objects.create(email="ada@example.org", status="active")
    Membership.objects.create(mailing_list=MailingList.main(), subscriber=ada)
    settings.SECRET_KEY = "another" * 10
    assert identity.standing(DOMAIN, mails.algorithms()) is Standing.LOST
    issue = send_issue(announce, drain)
    assert (issue.state, issue.trouble, smtp.messages) == ("paused", "dkim.key_unreadable", [])
    reader.sign_up("bob@example.org")
    drain()
    assert verified(dns, smtp.messages[0]) == [], "who waits for a mail gets it unsigned"
    assert "dkim.key_unreadable" in caplog.text
    new = make()
    assert sorted(states().values()) == ["made", "made", "retired", "retired"]
    publish(dns, *new.values())
    look(drain)
    assert identity.standing(DOMAIN, mails.algorithms()) is Standing.SIGNING
    issue.resume()
    from webstreet.atoms.newsletter import tasks

    tasks.wake(issue)
    drain()
    assert verified(dns, smtp.to("ada@example.org")[0]) == BOTH


def test_the_private_half_is_nowhere_in_clear(dns, drain, caplog):
    caplog.set_level("DEBUG")
    keys = signing(dns, drain)
    for key in SigningKey.objects.all():
        pem = key.private.reveal()
        assert len(pem.splitlines()) > 2
        inside = pem.splitlines()[1]
        assert inside not in key.sealed
        assert inside not in caplog.text
        assert inside not in repr(key.__dict__)
    with connections["newsletter"].cursor() as cursor:
        cursor.execute("SELECT sealed FROM newsletter_signingkey")
        assert all("PRIVATE" not in row[0] for row in cursor.fetchall())
    assert set(states()) == {key.selector for key in keys.values()}


# -- Looking into DNS --------------------------------------------------------------------------------------------------
def test_a_site_without_keys_asks_nothing(dns, drain):
    looking.look_up_what_is_due()
    drain()
    assert dns.asked == []


def test_policies_are_looked_up_with_the_keys(dns, drain, parameters):
    parameters(bounce_address="bounces@back.example.com", sender_address=f"news@{DOMAIN}")
    dns.records |= {"back.example.com": ["v=spf1 mx ~all"], "_dmarc.example.com": ["v=DMARC1; p=reject"]}
    make()
    for _ in range(2):
        identity.look_now(DOMAIN, mails.envelope_domain())
        look(drain)
    found = {row.name: (row.kind, row.fact) for row in DnsRecord.objects.exclude(purpose="dkim")}
    assert found == {"back.example.com": ("right", ""), f"_dmarc.{DOMAIN}": ("right", "above")}


def test_two_workers_look_once(dns, drain):
    make()
    rows = identity.watched(DOMAIN, DOMAIN)
    now = timezone.now()
    assert len(identity.claim_due(rows, now)) == 2
    assert identity.claim_due(rows, now) == []
    assert identity.claim_due(identity.watched(DOMAIN, DOMAIN), now + identity.CLAIM) != [], "a lost one is done again"
