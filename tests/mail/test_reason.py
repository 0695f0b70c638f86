"""What the field's servers are known to say, and what it means: who has to do something, and what becomes of the message."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mail.conftest import Sent, outcomes
from webstreet.mail.pump import Envelope, Outcome, Trouble
from webstreet.mail.reason import Reason, reason_of
from webstreet.mail.reply import Meaning, Reply, Stage, meaning
from webstreet.testing.smtp import Behaviour, RecordingSmtpServer

OK, LATER, FAILED, PAUSE, CLOSING = (
    Meaning.OK,
    Meaning.DEFERRED,
    Meaning.FAILED,
    Meaning.SENDER_REFUSED,
    Meaning.CLOSING,
)
RCPT, END, MAIL, CONNECT = Stage.RCPT, Stage.END, Stage.MAIL, Stage.CONNECT
R = Reason

KNOWN = [
    # Gmail
    (RCPT, "550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking", FAILED, R.RECIPIENT),
    (RCPT, "550 5.2.1 The email account that you tried to reach is inactive.", FAILED, R.RECIPIENT),
    (RCPT, "452 4.2.2 The recipient's inbox is out of storage space.", LATER, R.FULL),
    (RCPT, "552 5.2.2 The recipient's inbox is out of storage space and inactive.", FAILED, R.FULL),
    (RCPT, "450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages", LATER, R.OTHER),
    (END, "421 4.7.0 This message does not meet IPv6 sending guidelines regarding PTR records", CLOSING, R.SLOW_DOWN),
    (END, "421 4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your IP address", CLOSING, R.SLOW_DOWN),
    (END, "451 4.7.26 Your email has been rate limited because it is unauthenticated.", LATER, R.SLOW_DOWN),
    (END, "550 5.7.26 Your email has been blocked because the sender is unauthenticated.", PAUSE, R.SENDER),
    (END, "550 5.7.25 The IP address sending this message does not have a PTR record setup", PAUSE, R.SENDER),
    (END, "550 5.7.28 unusual rate of unsolicited mail originating from your DKIM domain", PAUSE, R.SENDER),
    (END, "550 5.7.1 Our system has detected that this message is likely suspicious due to the very low reputation", PAUSE, R.SENDER),
    (END, "550 5.7.1 Our system has detected that this message is likely unsolicited mail.", FAILED, R.OTHER),
    (END, "552 5.3.4 Your message exceeded Google's message size limits.", FAILED, R.CONTENT),
    (END, "550 5.6.0 Messages without a From header are not accepted", FAILED, R.CONTENT),
    # Outlook, Exchange Online
    (RCPT, "550 5.7.606 Access denied, banned sending IP [192.0.2.1]", PAUSE, R.SENDER),
    (CONNECT, "550 5.7.649 Access denied, banned sending IP", PAUSE, R.SENDER),
    (END, "550 5.7.515 Access denied, sending domain example.org does not meet the required authentication level", PAUSE, R.SENDER),
    (END, "550 5.7.509 Access denied, sending domain does not pass DMARC verification", PAUSE, R.SENDER),
    (RCPT, "451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77719)", LATER, R.SLOW_DOWN),
    (RCPT, "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation.", LATER, R.SLOW_DOWN),
    (MAIL, "550 5.7.1 Unfortunately, messages weren't sent. part of their network is on our block list (S3140).", PAUSE, R.SENDER),
    (CONNECT, "421 RP-001 (SNT004-MC1F) Unfortunately, some messages weren't sent. rate limits", CLOSING, R.SLOW_DOWN),
    (RCPT, "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", FAILED, R.RECIPIENT),
    (RCPT, "550 5.4.1 Recipient address rejected: Access denied.", FAILED, R.RECIPIENT),
    (RCPT, "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).", FAILED, R.RECIPIENT),
    (END, "554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException", FAILED, R.FULL),
    (END, "550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP.", PAUSE, R.SENDER),
    # Yahoo
    (MAIL, "421 4.7.0 [TSS04] Messages temporarily deferred due to unexpected volume or user complaints", CLOSING, R.SLOW_DOWN),
    (MAIL, "451 4.7.0 [TS03] All messages from 192.0.2.1 will be permanently deferred", LATER, R.SLOW_DOWN),
    (MAIL, "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1", PAUSE, R.SENDER),
    (END, "554 5.7.9 Message not accepted for policy reasons.", PAUSE, R.SENDER),
    (END, "554 delivery error: dd This user doesn't have a yahoo.com account (ada@yahoo.com) [0]", FAILED, R.RECIPIENT),
    (END, "554 delivery error: dd Sorry, your message cannot be delivered. This mailbox is disabled (554.30)", FAILED, R.RECIPIENT),
    (RCPT, "552 1 Requested mail action aborted, mailbox not found", FAILED, R.RECIPIENT),
    # Block lists
    (RCPT, "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", PAUSE, R.SENDER),
    (CONNECT, "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using b.barracudacentral.org", PAUSE, R.SENDER),
    (RCPT, "550 5.7.1 Email rejected because 192.0.2.1 is listed by bl.spamcop.net", PAUSE, R.SENDER),
    # Grey listing
    (RCPT, "450 4.2.0 <a@b.example>: Recipient address rejected: Greylisted, see http://postgrey.example", LATER, R.GREYLISTED),
    (RCPT, "451 4.7.1 Please try again later", LATER, R.GREYLISTED),
    (RCPT, "451 4.3.0 Temporarily graylisted", LATER, R.GREYLISTED),
    (RCPT, "451 4.7.1 Too many messages from your host, slow down", LATER, R.SLOW_DOWN),
    # Others
    (RCPT, "550 5.1.1 <a@b.example>: Recipient address rejected: User unknown in virtual mailbox table", FAILED, R.RECIPIENT),
    (RCPT, "550 No such user here", FAILED, R.RECIPIENT),
    (RCPT, "511 sorry, no mailbox here by that name (#5.1.1)", FAILED, R.RECIPIENT),
    (RCPT, "550 5.7.1 not for you", FAILED, R.OTHER),
    (RCPT, "550 Administrative prohibition", FAILED, R.OTHER),
    (RCPT, "554 5.7.1 <a@b.example>: Relay access denied", PAUSE, R.SENDER),
    (RCPT, "550 relay not permitted", PAUSE, R.SENDER),
    (RCPT, "550 5.7.1 Unable to relay", PAUSE, R.SENDER),
    (RCPT, "530 5.7.0 Authentication required", PAUSE, R.SENDER),
    (RCPT, "550 5.7.23 SPF validation failed", PAUSE, R.SENDER),
    (RCPT, "452 4.3.1 Insufficient system storage", LATER, R.OTHER),
    (RCPT, "454 4.7.0 Throttling failure: Maximum sending rate exceeded.", LATER, R.SLOW_DOWN),
    (RCPT, "450 4.1.8 <news@example.org>: Sender address rejected: Domain not found", LATER, R.OTHER),
    (END, "552 Message size exceeds fixed maximum message size", FAILED, R.CONTENT),
    (END, "550 mailbox full", FAILED, R.FULL),
    (RCPT, "421 4.3.2 Service shutting down", CLOSING, R.OTHER),
    (END, "250 2.0.0 queued; your mailbox full story", OK, R.NONE),
]  # fmt: skip


@pytest.mark.parametrize(("stage", "line", "expected", "reason"), KNOWN, ids=[line[:60] for _, line, _, _ in KNOWN])
def test_known_replies(stage: Stage, line: str, expected: Meaning, reason: Reason) -> None:
    reply = Reply.parse(line.encode())
    assert (meaning(reply, stage), reply.reason) == (expected, reason)


@given(st.integers(400, 599), st.from_regex(r"([45]\.\d{1,3}\.\d{1,3})?", fullmatch=True), st.text(max_size=3000))
def test_every_refusal_has_a_reason(code: int, enhanced: str, text: str) -> None:
    reason = reason_of(code, enhanced, text)
    assert reason is not Reason.NONE
    if code < 500:
        assert reason not in (Reason.RECIPIENT, Reason.SENDER), "what may pass later strikes nobody from a list"


def envelopes(count: int) -> list[Envelope]:
    return [Envelope(i, "news@example.org", f"s{i}@example.org", b"Subject: x\r\n\r\nx\r\n") for i in range(count)]


def test_a_result_says_the_reason(send: Callable[..., Sent], server: RecordingSmtpServer) -> None:
    said = {0: "550 5.1.1 no", 1: "452 4.2.2 full", 2: "451 4.7.500 Server busy", 3: "450 4.2.0 Greylisted"}
    server.behaviour = Behaviour(recipients={f"s{i}@example.org": line for i, line in said.items()})
    results, _ = send(server.url, envelopes(5))
    assert [results[i].reason for i in range(5)] == [R.RECIPIENT, R.FULL, R.SLOW_DOWN, R.GREYLISTED, R.NONE]


@pytest.mark.parametrize("chunking", [False, True])
def test_a_provider_that_wants_less_is_left_alone(
    send: Callable[..., Sent], server: RecordingSmtpServer, chunking: bool
) -> None:
    """The message is deferred with what was said; nobody knocks again at once."""
    said = "421 4.7.28 unusual rate of mail from your network"
    server.behaviour = Behaviour(content=lambda to: said if to == ["s2@example.org"] else "", chunking=chunking)
    results, trouble = send(server.url, envelopes(6), connections=1)
    assert trouble == Trouble("mail_server.busy", pause=False)
    assert (results[2].outcome, results[2].code, results[2].reason) == (Outcome.DEFERRED, "421 4.7.28", R.SLOW_DOWN)
    assert results[2].reply == "unusual rate of mail from your network"
    assert outcomes(results) == {"sent": 2, "deferred": 1, "unsent": 3}
    assert server.connections == 1
