"""Reports of mail servers as they come: the standard's own example, those of common servers, old forms, and garbage."""

from __future__ import annotations

import textwrap
from email.message import EmailMessage

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from webstreet.mail.arf import read_complaint
from webstreet.mail.dsn import REPORTS_MAX, SIZE_MAX, Action, Report, read_reports
from webstreet.mail.reason import Reason


def crlf(text: str) -> bytes:
    return textwrap.dedent(text).lstrip("\n").replace("\n", "\r\n").encode()


def multipart(
    *groups: str,
    original: str = "Message-ID: <i1.s1@example.org>\nSubject: x",
    kind: str = "delivery-status",
    to: str = "bounces@example.org",
) -> bytes:
    status = "\n\n".join(textwrap.dedent(group).strip() for group in groups)
    return crlf(f"""
Return-Path: <>
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
To: {to}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type={kind}; boundary="B"

--B
Content-Type: text/plain

This is the mail system. I'm sorry.
--B
Content-Type: message/{kind}

{status}

--B
Content-Type: message/rfc822

{original}

body
--B--
""")


def test_the_example_of_rfc_3464() -> None:
    """Appendix D.1, with one more delivered."""
    content = multipart(
        """
        Reporting-MTA: dns; cs.utk.example
        Original-Envelope-Id: ENV+2B1
        """,
        """
        Original-Recipient: rfc822;louisl@larry.slip.umd.example
        Final-Recipient: rfc822;louisl@larry.slip.umd.example
        Action: failed
        Status: 4.0.0
        Diagnostic-Code: smtp; 426 connection timed out
        Last-Attempt-Date: Thu, 7 Jul 1994 17:15:49 -0400
        """,
        """
        Final-Recipient: rfc822; <Arnold@Example.NET>
        Action: delivered (to mailbox)
        Status: 2.0.0
        """,
    )
    failed, delivered = read_reports(content)
    assert failed == Report(
        "louisl@larry.slip.umd.example", Action.FAILED, "4.0.0", "connection timed out", Reason.OTHER, "i1.s1@example.org", "ENV+1",
        ("bounces@example.org",),
    )  # fmt: skip
    assert (delivered.recipient, delivered.action, delivered.reason) == (
        "arnold@example.net",
        Action.DELIVERED,
        Reason.NONE,
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 <a@b.example>: User unknown", ("failed", "5.1.1", "recipient")),
        ("Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 No such user here", ("failed", "5.0.0", "recipient")),
        ("Action: delayed\nStatus: 4.4.1\nDiagnostic-Code: smtp; connect timed out\nWill-Retry-Until: x", ("delayed", "4.4.1", "other")),
        ("Action: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp;552 5.2.2 mailbox full", ("failed", "5.2.2", "full")),
        ("Action: failed\nStatus: 5.7.26", ("failed", "5.7.26", "sender")),
        ("Status: 5.1.1", ("failed", "5.1.1", "recipient")),
        ("Action: relayed\nStatus: 2.1.5", ("delivered", "2.1.5", "")),
        ("Action: exploded", ("unknown", "", "")),
        ("Action: failed\nStatus: 5.1.1 (bad destination\n  mailbox address)", ("failed", "5.1.1", "recipient")),
    ],
)  # fmt: skip
def test_fields(fields: str, expected: tuple[str, str, str]) -> None:
    (report,) = read_reports(
        multipart("Reporting-MTA: dns; mx.example.net", f"Final-Recipient: rfc822;a@b.example\n{fields}")
    )
    assert (report.action, report.status, report.reason) == expected
    assert report.recipient == "a@b.example"
    assert "a@b" not in report.diagnostic, "no address is kept twice"


def test_the_address_that_was_written_to_and_not_where_it_was_forwarded() -> None:
    fields = "Original-Recipient: rfc822;ada+2Bx@example.org\nFinal-Recipient: rfc822;eve@b.example\nAction: failed\nStatus: 5.1.1"
    (report,) = read_reports(multipart(fields))
    assert report.recipient == "ada+x@example.org"


def test_addresses_outside_ascii() -> None:
    fields = "Final-Recipient: utf-8; ada@bücher.example\nAction: failed\nStatus: 5.1.1"
    (report,) = read_reports(multipart(fields, kind="global-delivery-status"))
    assert (report.recipient, report.action) == ("ada@xn--bcher-kva.example", Action.FAILED)


def test_other_kinds_of_address_are_not_guessed() -> None:
    assert [
        r.recipient for r in read_reports(multipart("Final-Recipient: x400; c=de\nAction: failed\nStatus: 5.1.1"))
    ] == [""]


def test_headers_alone_and_where_it_was_sent_to() -> None:
    content = multipart(
        "Final-Recipient: rfc822;a@b.example\nAction: failed\nStatus: 5.1.1", to="Bounces <bounces+x.y@example.org>"
    )
    content = content.replace(b"message/rfc822", b"text/rfc822-headers").replace(
        b"From: MAILER", b"Delivered-To: b2@example.org\r\nFrom: MAILER"
    )
    (report,) = read_reports(content)
    assert report.message_id == "i1.s1@example.org"
    assert report.sent_to == ("b2@example.org", "bounces+x.y@example.org")


QMAIL = crlf("""
    Return-Path: <>
    From: MAILER-DAEMON@mx.example.net
    To: bounces@example.org
    Subject: failure notice

    Hi. This is the qmail-send program at mx.example.net.
    I'm afraid I wasn't able to deliver your message to the following addresses.
    This is a permanent error; I've given up. Sorry it didn't work out.

    <ada@b.example>:
    192.0.2.1 does not like recipient.
    Remote host said: 550 5.1.1 no such user
    Giving up on 192.0.2.1.

    <bob@b.example>:
    Sorry, I wasn't able to establish an SMTP connection. (#4.4.1)

    --- Below this line is a copy of the message.

    Return-Path: <bounces@example.org>
    Message-ID: <i1.s7@example.org>

    <carol@b.example>:
    550 5.1.1 this is in the copy of the mail
    """)
EXIM = crlf("""
    Return-Path: <>
    X-Failed-Recipients: ada@b.example
    Auto-Submitted: auto-replied
    From: Mail Delivery System <Mailer-Daemon@mx.example.net>
    To: bounces@example.org
    Subject: Mail delivery failed: returning message to sender

    This message was created automatically by mail delivery software.

    A message that you sent could not be delivered to one or more of its
    recipients. This is a permanent error. The following address(es) failed:

      ada@b.example
        host mx.b.example [192.0.2.1]
        SMTP error from remote mail server after RCPT TO:<ada@b.example>:
        550 5.2.1 mailbox disabled

    ------ This is a copy of the message, including all the headers. ------

    Message-ID: <i1.s8@example.org>
    """)
EXCHANGE = crlf("""
    From: "Microsoft Outlook" <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@b.example>
    To: bounces@example.org
    Subject: Undeliverable: The summer
    Content-Type: text/plain

    Delivery has failed to these recipients or groups:

    Ada Lovelace (ada@b.example)
    The email address you entered couldn't be found.

    Diagnostic information for administrators:
    #550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##
    """)


def test_qmail() -> None:
    ada, bob = read_reports(QMAIL)
    assert (ada.recipient, ada.action, ada.status, ada.reason) == (
        "ada@b.example",
        Action.FAILED,
        "5.1.1",
        Reason.RECIPIENT,
    )
    assert (bob.recipient, bob.action, bob.status) == ("bob@b.example", Action.UNKNOWN, "4.4.1")
    assert ada.message_id == "i1.s7@example.org"


def test_exim() -> None:
    (ada,) = read_reports(EXIM)
    assert (ada.recipient, ada.action, ada.status, ada.reason) == (
        "ada@b.example",
        Action.FAILED,
        "5.2.1",
        Reason.RECIPIENT,
    )
    assert ada.message_id == "i1.s8@example.org"


def test_words_of_its_own_are_unknown() -> None:
    """Who it is about does not follow from the text, so nobody is struck from a list by it."""
    (report,) = read_reports(EXCHANGE)
    assert (report.recipient, report.action, report.status) == ("", Action.UNKNOWN, "5.1.1")


@pytest.mark.parametrize(
    "head",
    [
        "From: ada@b.example\nSubject: Re: The summer",
        "From: ada@b.example\nAuto-Submitted: auto-replied\nSubject: Undeliverable thoughts: out of office",
        "From: ada@b.example\nSubject: Undelivered",
        "From: mailer-daemon@b.example\nSubject: Welcome to our list",
        "",
    ],
)
def test_what_is_no_report(head: str) -> None:
    assert read_reports(crlf(f"{head}\nTo: bounces@example.org\n\nHi. <eve@b.example>:\n550 5.1.1 gone\n")) == []


def test_a_report_quoted_by_a_person_is_found_only_where_reports_are() -> None:
    note = EmailMessage()
    note["From"], note["Subject"] = "ada@b.example", "Look what I got"
    note.set_content(EXIM.decode() + QMAIL.decode())
    assert read_reports(note.as_bytes()) == []


def test_limits() -> None:
    many = "\n\n".join(f"Final-Recipient: rfc822;a{i}@b.example\nAction: failed\nStatus: 5.1.1" for i in range(500))
    assert len(read_reports(multipart(many))) == REPORTS_MAX
    assert read_reports(
        multipart("Final-Recipient: rfc822;a@b.example\nAction: failed\nStatus: 5.1.1", original="x" * 10 * SIZE_MAX)
    )
    nested = "".join(f'Content-Type: multipart/mixed; boundary="{i}"\n\n--{i}\n' for i in range(5000))
    assert read_reports(crlf(nested)) == []
    assert read_reports(crlf("Content-Type: message/rfc822\n\n" * 5000)) == []


PIECES = [
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=B\r\n",
    b"\r\n",
    b"--B\r\n",
    b"--B--\r\n",
    b"\xff\xfe\x00",
    b"Content-Type: message/delivery-status\r\n",
    b"Content-Type: message/feedback-report\r\n",
    b"Final-Recipient: rfc822;a@b.example\r\n",
    b"Action: failed\r\n",
    b"Status: 5.1.1\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Type: text/plain; charset=nonsense\r\n",
    b"Content-Type: message/rfc822\r\n",
    b"Feedback-Type: abuse\r\n",
    b"From: mailer-daemon@x.example\r\n",
    b"Subject: Undelivered\r\n",
    b"Content-Type: message/global-delivery-status\r\n",
    b"Return-Path: <>\r\n",
    b" folded\r\n",
    b"<a@b.example>:\r\n",
    b"Hi. This is the qmail\r\n",
    b"To: =?utf-8?b?//8=?= <x",
    b"Original-Rcpt-To: <a@b.example>\r\n",
    b"Message-ID:\r\n <x@y>\r\n",
    b"Content-Transfer-Encoding: uuencode\r\n",
]


@settings(deadline=None, max_examples=400)
@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=30), max_size=40).map(b"".join) | st.binary(max_size=500))
@example(b"")
@example(b"To: " + b"a@b.example, " * 5000)
@example(b"\x00" * 1000)
def test_garbage_is_read_without_harm(content: bytes) -> None:
    for report in read_reports(content):
        assert report.recipient == report.recipient.strip().lower()
        assert len(report.diagnostic) <= 200
        assert report.diagnostic.isprintable()
    complaint = read_complaint(content)
    assert complaint is None or len(complaint.message_id) <= 500


# -- Complaints ------------------------------------------------------------------------------------------------------
def arf(
    fields: str, original: str = "Return-Path: <bounces+a.b@example.org>\nMessage-ID: <i1.s9@example.org>\nSubject: x"
) -> bytes:
    return multipart(fields, kind="feedback-report", original=original, to="complaints@example.org")


def test_the_example_of_rfc_5965() -> None:
    complaint = read_complaint(
        arf(
            """
            Feedback-Type: abuse
            User-Agent: SomeGenerator/1.0
            Version: 1
            Original-Mail-From: <somespammer@example.net>
            Original-Rcpt-To: <User@example.com>
            Received-Date: Thu, 8 Mar 2005 14:00:00 EDT
            Source-IP: 192.0.2.2
            """
        )
    )
    assert complaint is not None
    assert (complaint.kind, complaint.recipient, complaint.message_id) == (
        "abuse",
        "user@example.com",
        "i1.s9@example.org",
    )
    assert (complaint.return_path, complaint.sent_to) == ("somespammer@example.net", ("complaints@example.org",))
    assert complaint.is_against_us


def test_a_complaint_that_names_nobody() -> None:
    complaint = read_complaint(arf("Feedback-Type: abuse\nVersion: 1\nOriginal-Rcpt-To: redacted"))
    assert complaint is not None
    assert (complaint.recipient, complaint.return_path) == ("", "bounces+a.b@example.org")


@pytest.mark.parametrize(
    ("kind", "expected", "against"),
    [("not-spam", "not-spam", False), ("auth-failure", "auth-failure", False), ("x-new", "other", True)],
)
def test_kinds(kind: str, expected: str, against: bool) -> None:
    complaint = read_complaint(arf(f"Feedback-Type: {kind}\nVersion: 1"))
    assert complaint is not None
    assert (complaint.kind, complaint.is_against_us) == (expected, against)


def test_what_is_no_complaint() -> None:
    assert read_complaint(EXIM) is None
    assert read_complaint(arf("Version: 1")) is None
    assert read_reports(arf("Feedback-Type: abuse")) == [] or all(
        r.action is Action.UNKNOWN for r in read_reports(arf("Feedback-Type: abuse"))
    )
