"""Whatever a provider's API does, what is said of each message is true: against the server's own record, over real connections."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from email.header import decode_header, make_header
from typing import Any

import pytest

from tests.mail.delivering import Sent, delivered
from webstreet.engine.mail_api import MESSAGE
from webstreet.engine.mail_api.backends import backend_of
from webstreet.engine.mail_api.transport import ApiTransport
from webstreet.mail.merge import Mergeable
from webstreet.mail.message import Letter, ListHeaders, Recipient, Sender, hole, render
from webstreet.mail.pump import Envelope, Loop, Outcome, Result, Trouble
from webstreet.mail.several import transport_of
from webstreet.mail.smtp import SmtpTransport
from webstreet.mail.url import PROVIDERS, EmailUrl
from webstreet.testing.mail_api import KEY, ApiBehaviour, RecordingMailApi
from webstreet.testing.smtp import RecordingSmtpServer

AWAY, BUSY = (Trouble(f"mail_server.{fact}", pause=False) for fact in ("away", "busy"))
LOGIN, POLICY = (Trouble(f"sender.{fact}", pause=True) for fact in ("login", "policy"))
HTML = "<p>L’été à <a href='https://example.org/?a=1&amp;b=2'>Besançon</a> &lt;3 100%recipient</p>"


@pytest.fixture(params=["mailgun", "postmark"])
def api(request: pytest.FixtureRequest) -> Iterator[RecordingMailApi]:
    with RecordingMailApi(request.param) as running:
        yield running


@pytest.fixture
def mailgun() -> Iterator[RecordingMailApi]:
    with RecordingMailApi("mailgun") as running:
        yield running


def letter(html: str = "<p>L’été</p>") -> Letter:
    slots = f"<a href='{hole('unsubscribe')}'>Bye</a><a href='{hole('preferences')}'>Set</a>"
    text = f"L’été\n\n{hole('unsubscribe')}\n{hole('preferences')}\n"
    sender = Sender("Ada, « Lovelace »", "news@example.org", "reply@example.org")
    return Letter(
        sender,
        "L’été à Besançon",
        text,
        html + slots,
        "fr",
        ListHeaders("news.example.org", "Été", "https://example.org/"),
    )


def batch(count: int, *, start: int = 0, html: str = "<p>L’été</p>", mailing: str = "issue") -> list[Envelope]:
    """As the newsletter makes them: each with addresses of its own in text, HTML and headers."""
    skeleton = render(letter(html))
    made: list[Envelope] = []
    for i in range(start, start + count):
        links = {name: f"https://example.org/{name}/?t={i}&x=é" for name in ("unsubscribe", "preferences")}
        own = Recipient(
            f"s{i}@example.org",
            f"{mailing}.{i}@example.org",
            links,
            f"https://example.org/u/{i}",
            name="Zoë, S." if i == 1 else "",
        )
        made.append(Mergeable(i, "news@example.org", own.address, skeleton.fill(own), skeleton, own))
    return made


def deliver(
    url: str, envelopes: Sequence[Envelope], *, connections: int = 2, answer_s: float = 5, seconds: float = 20
) -> Sent:
    known = EmailUrl.parse(url)
    return delivered(
        lambda: ApiTransport(known, connections=connections, answer_s=answer_s), envelopes, seconds=seconds
    )


def outcomes(results: dict[int, Result]) -> Counter[str]:
    return Counter(r.outcome.value for r in results.values())


def assert_true(api: RecordingMailApi, results: dict[int, Result]) -> None:
    """What was said of each message against what the provider has."""
    taken = Counter(int(mail.recipient[1:].partition("@")[0]) for mail in api.mails)
    for key, result in results.items():
        if result.outcome is Outcome.SENT:
            assert taken[key] == 1
        elif result.outcome is Outcome.UNCERTAIN:
            assert taken[key] <= 1
        else:
            assert taken[key] == 0, f"{key} was taken and is called {result.outcome}"


MISBEHAVIOURS = {
    "hangs up before the body": (ApiBehaviour(drop="before_body", after=1), AWAY),
    "hangs up inside the body": (ApiBehaviour(drop="inside_body", after=1), AWAY),
    "a lost answer": (ApiBehaviour(drop="after_body", after=1), AWAY),
    "half an answer": (ApiBehaviour(drop="inside_answer", after=1), AWAY),
    "no answer": (ApiBehaviour(silent=True, after=1), AWAY),
    "an answer in no form": (ApiBehaviour(garbage=True, after=1), AWAY),
    "the key is refused": (ApiBehaviour(status=401, after=1), LOGIN),
    "forbidden": (ApiBehaviour(status=403), LOGIN),
    "no credit": (ApiBehaviour(status=402), POLICY),
    "unknown domain": (ApiBehaviour(status=404), POLICY),
    "leads elsewhere": (ApiBehaviour(status=307, headers={"Location": "https://elsewhere.example/"}), POLICY),
    "too much": (ApiBehaviour(status=429, after=1), BUSY),
    "away": (ApiBehaviour(status=503, after=1), AWAY),
    "behind a gateway that hears nothing": (ApiBehaviour(status=502, after=1), AWAY),
    "broken": (ApiBehaviour(status=500, after=1), None),
    "behind a gateway that waits no longer": (ApiBehaviour(status=504, after=1), AWAY),
    "refuses some": (ApiBehaviour(refused={f"s{i}@example.org": "Error parsing 'To': no." for i in (3, 4)}), None),
    "refuses everybody": (ApiBehaviour(status=400), POLICY),
}  # fmt: skip


@pytest.mark.requirement("P4")
@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_what_is_said_is_true(api: RecordingMailApi, name: str) -> None:
    behaviour, expected = MISBEHAVIOURS[name]
    api.behaviour = behaviour
    results, trouble = deliver(api.url, batch(6) + batch(6, start=6), answer_s=0.5 if name == "no answer" else 5)
    assert_true(api, results)
    found = outcomes(results)
    assert trouble == expected
    assert found["failed"] == (2 if name == "refuses some" else 0)
    if name == "refuses some":
        assert found["sent"] == 10
    if expected in (LOGIN, BUSY):
        assert not found["uncertain"] + found["deferred"], "it certainly took none of them"
    if name in ("a lost answer", "half an answer", "no answer", "an answer in no form") or "gateway" in name:
        assert found["uncertain"] >= 1
    if name == "broken":
        assert found["deferred"] >= 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_mail_is_what_it_would_be_by_smtp(provider: Any) -> None:
    with RecordingMailApi(provider) as api:
        results, trouble = deliver(api.url, batch(3))
        api.key = "another"
        assert provider in ("mailgun", "postmark") or deliver(api.url.replace("another", KEY), batch(1))[1] == LOGIN
    assert (outcomes(results), trouble) == (Counter(sent=3), None)
    assert api.calls[:3] == ([3] if provider == "mailgun" else [1, 1, 1])
    for i, mail in enumerate(sorted(api.mails, key=lambda mail: mail.recipient)):
        links = {name: f"https://example.org/{name}/?t={i}&x=é" for name in ("unsubscribe", "preferences")}
        assert mail.text.splitlines() == ["L’été", "", links["unsubscribe"], links["preferences"]]
        assert all(link.replace("&", "&amp;") in mail.html for link in links.values())
        assert "%recipient" not in mail.text + mail.html
        assert mail.subject == "L’été à Besançon"
        assert "Lovelace" in str(make_header(decode_header(mail.sender)))
        assert mail.headers["list-unsubscribe"] == f"<https://example.org/u/{i}>"
        assert mail.headers["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
        assert mail.metadata[MESSAGE] == f"issue.{i}"
        assert mail.headers.get("message-id", f"<issue.{i}@example.org>") == f"<issue.{i}@example.org>"
        assert mail.headers.get("list-id", "<news.example.org>") == "<news.example.org>"
        assert {"dkim-signature", "date", "mime-version", "content-type"}.isdisjoint(mail.headers)
    assert all(("message-id" in mail.headers) == (provider in ("mailgun", "postmark")) for mail in api.mails)
    assert ("x-pm-keepid" in api.mails[0].headers) == (provider == "postmark")


def test_an_authors_text_that_looks_like_a_slot_goes_alone(mailgun: RecordingMailApi) -> None:
    results, _ = deliver(mailgun.url, batch(3, html=HTML))
    assert outcomes(results) == Counter(sent=3)
    assert mailgun.calls == [1, 1, 1]
    assert all("100%recipient" in mail.html for mail in mailgun.mails)


def test_letters_are_not_mixed_and_nobody_is_twice_in_one_call(mailgun: RecordingMailApi) -> None:
    twice = batch(2)
    results, _ = deliver(
        mailgun.url,
        [*twice, *batch(2, start=2), Envelope(9, "a@b.example", "s9@example.org", twice[0].content)],
        connections=1,
    )
    assert outcomes(results) == Counter(sent=5)
    assert mailgun.calls == [2, 2, 1]


def test_one_bad_address_is_found_among_many(mailgun: RecordingMailApi) -> None:
    mailgun.behaviour = ApiBehaviour(
        refused={"s7@example.org": "'to' parameter is not a valid address: s7@example.org"}
    )
    results, trouble = deliver(mailgun.url, batch(12))
    assert (outcomes(results), trouble) == (Counter(sent=11, failed=1), None)
    assert "s7" not in results[7].reply
    assert mailgun.calls[0] == 12


def test_one_bad_address_among_many_costs_few_calls(mailgun: RecordingMailApi) -> None:
    mailgun.behaviour = ApiBehaviour(refused={"s17@example.org": "'to' parameter is not a valid address"})
    results, trouble = deliver(mailgun.url, batch(64), connections=1)
    assert (outcomes(results), trouble) == (Counter(sent=63, failed=1), None)
    assert len(mailgun.calls) == 1 + 2 * 6 + 1, "and one to somebody else, to learn whom it is about"


@pytest.mark.parametrize("connections", [1, 4])
@pytest.mark.parametrize("bad", [(0, 1, 2), (0, 1, 2, 3, 4, 5, 31), (29, 30, 31)], ids=str)
def test_bad_addresses_that_stand_together_are_not_everybody(
    api: RecordingMailApi, bad: tuple[int, ...], connections: int
) -> None:
    api.behaviour = ApiBehaviour(refused={f"s{i}@example.org": "'to' parameter is not a valid address" for i in bad})
    results, trouble = deliver(api.url, batch(32), connections=connections)
    assert (outcomes(results), trouble) == (Counter(sent=32 - len(bad), failed=len(bad)), None)
    assert {key for key, result in results.items() if result.outcome is Outcome.FAILED} == set(bad)


def test_who_refuses_everybody_of_many_is_believed_after_a_few_calls(mailgun: RecordingMailApi) -> None:
    mailgun.behaviour = ApiBehaviour(refused={f"s{i}@example.org": "No such letter." for i in range(400)})
    results, trouble = deliver(mailgun.url, batch(400), connections=1)
    assert (outcomes(results), trouble) == (Counter(deferred=3, unsent=397), POLICY)
    assert len(mailgun.calls) < 15


def test_many_are_shared_among_connections(mailgun: RecordingMailApi) -> None:
    results, _ = deliver(mailgun.url, batch(130), connections=2)
    assert outcomes(results) == Counter(sent=130)
    assert mailgun.calls == [65, 65]


def test_an_inactive_address_is_a_recipients() -> None:
    with RecordingMailApi("postmark", ApiBehaviour(inactive=frozenset({"s1@example.org"}))) as postmark:
        results, trouble = deliver(postmark.url, batch(3))
    assert (outcomes(results), trouble) == (Counter(sent=2, failed=1), None)
    assert (results[1].outcome, results[1].reason, results[1].code) == (Outcome.FAILED, "recipient", "422")


def test_a_wrong_key_pauses_and_is_shown_nowhere(api: RecordingMailApi, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    url = api.url
    api.key = "another"
    results, trouble = deliver(url, batch(3))
    assert (outcomes(results), trouble) == (Counter(unsent=3), LOGIN)
    assert KEY not in caplog.text + repr(results) + repr(EmailUrl.parse(url)) + str(EmailUrl.parse(url))


def test_a_provider_that_wants_less_is_left_alone_for_so_long(api: RecordingMailApi) -> None:
    api.behaviour = ApiBehaviour(status=429, headers={"Retry-After": "3600"})
    loop, transport = Loop(), ApiTransport(EmailUrl.parse(api.url))
    try:
        asked = []
        for _ in range(2):
            results, trouble = loop.run(transport.send(batch(2), deadline=time.monotonic() + 5))
            assert ({r.outcome for r in results}, trouble) == ({Outcome.UNSENT}, BUSY)
            asked.append(len(api.calls))
        assert asked[0] == asked[1], "the second time nothing was asked"
    finally:
        loop.run(transport.close())
        loop.close()


def test_who_thinks_is_waited_for_beside_the_step(api: RecordingMailApi) -> None:
    thinks = True
    api.behaviour = ApiBehaviour(held=lambda recipients: thinks)
    loop, transport = Loop(), ApiTransport(EmailUrl.parse(api.url), connections=1)
    try:
        results, trouble = loop.run(transport.send(batch(1) + batch(1, start=1), deadline=time.monotonic() + 0.1))
        assert ([r.outcome for r in results], trouble) == ([Outcome.UNSENT, Outcome.UNDER_WAY], None)
        again, _ = loop.run(transport.send(batch(1, start=5), deadline=time.monotonic() + 0.1))
        assert again[0].outcome is Outcome.UNSENT, "its only connection is busy"
        thinks = False
        assert results[1].later is not None
        assert results[1].later.result(20).outcome is Outcome.SENT
    finally:
        loop.run(transport.close())
        loop.close()


class Slow:
    """A provider that answers when it is let go, after `ApiTransport.send` has returned."""

    def __init__(self, api: RecordingMailApi, connections: int, **behaviour: Any) -> None:
        self.api, self.let_go = api, threading.Event()
        api.behaviour = ApiBehaviour(held=lambda recipients: not self.let_go.is_set(), **behaviour)
        self.loop = Loop()
        self.transport = ApiTransport(EmailUrl.parse(api.url), connections=connections)
        self.patch = pytest.MonkeyPatch()

    def __enter__(self) -> Slow:
        # All of the time for beginning, on a machine that is busy.
        self.patch.setattr("webstreet.engine.mail_api.transport.GRACE_S", 0.1)
        backend_of(EmailUrl.parse(self.api.url)).close()
        return self

    def __exit__(self, *_: object) -> None:
        self.patch.undo()
        self.let_go.set()
        self.loop.run(self.transport.close())
        self.loop.close()

    def send(self, envelopes: Sequence[Envelope], seconds: float = 20) -> tuple[list[Result], Trouble | None]:
        return self.loop.run(self.transport.send(envelopes, deadline=time.monotonic() + seconds))

    def answers_late(self, envelopes: Sequence[Envelope]) -> Counter[str]:
        results, trouble = self.send(envelopes, 0.6)
        assert trouble is None
        later = [result.later for result in results if result.later is not None]
        assert later, "some are under way"
        self.let_go.set()
        return Counter(each.result(20).outcome.value for each in later)


def letters(count: int, *, start: int = 0, mailing: str = "issue") -> list[Envelope]:
    """Each of its own skeleton, so that it is a request."""
    return [envelope for i in range(start, start + count) for envelope in batch(1, start=i, mailing=mailing)]


def test_who_refuses_everybody_late_makes_the_sender_stop(api: RecordingMailApi) -> None:
    with Slow(api, 4, refused={f"s{i}@example.org": "No such letter." for i in range(20)}) as slow:
        assert slow.answers_late(letters(6)) == Counter(failed=2, deferred=2)
        asked = len(api.calls)
        results, trouble = slow.send(letters(8, start=6))
        assert trouble == POLICY
        assert {r.outcome for r in results} == {Outcome.DEFERRED, Outcome.UNSENT}
        assert len(api.calls) <= asked + 4, "but for some others nobody is asked for"
        api.behaviour = ApiBehaviour()
        results, trouble = slow.send(letters(3, start=9))
        assert ({r.outcome for r in results}, trouble) == ({Outcome.SENT}, None), "a person has seen to it"


def test_what_is_heard_late_of_a_letter_is_told_to_who_sends_that_letter(api: RecordingMailApi) -> None:
    with Slow(api, 4, refused={f"s{i}@example.org": "No such letter." for i in range(20)}) as slow:
        slow.answers_late(letters(6))
        results, trouble = slow.send(letters(3, start=30, mailing="another"))
        assert ({r.outcome for r in results}, trouble) == ({Outcome.SENT}, None)
        asked = len(api.calls)
        results, trouble = slow.send(letters(8, start=6))
        assert ({r.outcome for r in results}, trouble) == ({Outcome.DEFERRED, Outcome.UNSENT}, POLICY)
        assert len(api.calls) <= asked + 4


def test_who_refuses_late_each_time_makes_the_sender_stop(api: RecordingMailApi) -> None:
    with Slow(api, 4, refused={f"s{i}@example.org": "No such letter." for i in range(20)}) as slow:
        for start in (0, 4):
            slow.let_go.clear()
            assert slow.answers_late(letters(4, start=start))["sent"] == 0
        asked = len(api.calls)
        results, trouble = slow.send(letters(3, start=30, mailing="another"))
        assert ({r.outcome for r in results}, trouble) == ({Outcome.SENT}, None)
        results, trouble = slow.send(letters(3, start=8))
        assert ({r.outcome for r in results}, trouble) == ({Outcome.UNSENT}, POLICY)
        assert len(api.calls) == asked + 3, "nothing more is asked of this letter"


def refused_when_time_is_over(slow: Slow, envelopes: Sequence[Envelope], **behaviour: Any) -> tuple[list[Result], Any]:
    """A step in which the provider answers after the last moment for a request, and well before the last for an answer."""
    deadline = time.monotonic() + 0.6
    slow.patch.setattr("webstreet.engine.mail_api.transport.GRACE_S", 20)
    slow.api.behaviour = ApiBehaviour(held=lambda recipients: time.monotonic() <= deadline, **behaviour)
    return slow.loop.run(slow.transport.send(envelopes, deadline=deadline))


def test_who_refuses_everybody_slowly_fails_nobody_and_makes_the_sender_stop(api: RecordingMailApi) -> None:
    with Slow(api, 4) as slow:
        refused = {f"s{i}@example.org": "No such letter." for i in range(20)}
        results, trouble = refused_when_time_is_over(slow, letters(10), refused=refused)
        assert (outcomes({r.key: r for r in results}), trouble) == (Counter(deferred=4, unsent=6), None)
        assert len(api.calls) == 4, "there was no time to ask for somebody else"
        results, trouble = refused_when_time_is_over(slow, letters(10, start=4), refused=refused)
        assert (outcomes({r.key: r for r in results}), trouble) == (Counter(deferred=4, unsent=6), POLICY)
        assert {12, 13} < {r.key for r in results if r.outcome is Outcome.DEFERRED}, "from the end of the list"
        assert len(api.calls) == 8


def test_bad_addresses_that_stand_together_and_are_refused_slowly_pause_nothing(api: RecordingMailApi) -> None:
    with Slow(api, 4) as slow:
        refused = {f"s{i}@example.org": "'to' parameter is not a valid address" for i in range(4)}
        results, trouble = refused_when_time_is_over(slow, letters(10), refused=refused)
        assert (outcomes({r.key: r for r in results}), trouble) == (Counter(deferred=4, unsent=6), None)
        slow.api.behaviour = ApiBehaviour(refused=refused)
        results, trouble = slow.send(letters(10))
        assert (outcomes({r.key: r for r in results}), trouble) == (Counter(failed=4, sent=6), None)


def test_another_letter_that_is_taken_says_nothing_about_one_that_is_refused(api: RecordingMailApi) -> None:
    with Slow(api, 1, refused={f"s{i}@example.org": "No such letter." for i in range(20)}) as slow:
        slow.let_go.set()
        found = []
        for i in range(3):
            found.append(slow.send(letters(1, start=i))[1])
            assert slow.send(letters(1, start=30 + i, mailing="another"))[1] is None
    assert found == [None, None, POLICY]


def test_who_refuses_one_at_a_time_makes_the_sender_stop(api: RecordingMailApi) -> None:
    with Slow(api, 1, refused={f"s{i}@example.org": "No such letter." for i in range(20)}) as slow:
        slow.let_go.set()
        found = [slow.send(letters(1, start=i)) for i in range(3)]
    assert [(r.outcome.value, trouble) for (r,), trouble in found] == [
        ("failed", None),
        ("failed", None),
        ("deferred", POLICY),
    ]


@pytest.mark.parametrize(("status", "expected"), [(401, LOGIN), (402, POLICY)])
def test_a_refused_key_that_is_heard_of_late_stops_the_next_call(
    api: RecordingMailApi, status: int, expected: Trouble
) -> None:
    with Slow(api, 1, status=status) as slow:
        assert slow.answers_late(letters(1)) == Counter(unsent=1)
        results, trouble = slow.send(letters(2, start=1))
        assert (len(results), {r.outcome for r in results}, trouble) == (2, {Outcome.UNSENT}, expected)
        assert len(api.calls) == 1


def test_who_was_refused_together_late_is_not_asked_for_together_again(mailgun: RecordingMailApi) -> None:
    everybody = batch(40)
    with Slow(mailgun, 1, refused={"s7@example.org": "'to' parameter is not a valid address"}) as slow:
        assert slow.answers_late(everybody) == Counter(unsent=40)
        results, trouble = slow.send(everybody)
    assert (outcomes({r.key: r for r in results}), trouble) == (Counter(sent=39, failed=1), None)
    assert mailgun.calls[:2] == [40, 20]


def test_an_answer_that_comes_in_drops_has_an_end(api: RecordingMailApi) -> None:
    api.behaviour = ApiBehaviour(drips=True)
    results, trouble = deliver(api.url, batch(1), answer_s=1)
    assert (outcomes(results), trouble) == (Counter(uncertain=1), AWAY)


def test_a_request_that_cannot_begin_loses_nothing(api: RecordingMailApi, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("can't start new thread")

    with Slow(api, 1) as slow:
        slow.let_go.set()
        with monkeypatch.context() as once:
            once.setattr("webstreet.engine.mail_api.transport.backend_of", fail)
            results, trouble = slow.send(batch(3))
            assert ([r.outcome for r in results], trouble) == ([Outcome.UNSENT] * 3, AWAY)
        results, trouble = slow.send(batch(3))
        assert ({r.outcome for r in results}, trouble) == ({Outcome.SENT}, None)


@pytest.mark.parametrize(
    "where",
    ["anymail.backends.{}.EmailBackend.parse_recipient_status", "webstreet.engine.mail_api.transport._by_recipient"],
)
def test_a_defect_after_a_request_left_is_uncertain(
    api: RecordingMailApi, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("x")

    monkeypatch.setattr(where.format(api.provider), fail)
    results, trouble = deliver(api.url, batch(1))
    assert (outcomes(results), trouble) == (Counter(uncertain=1), AWAY)


def test_what_is_never_answered_is_uncertain_at_the_end(api: RecordingMailApi) -> None:
    api.behaviour = ApiBehaviour(silent=True)
    loop, transport = Loop(), ApiTransport(EmailUrl.parse(api.url))
    (result,), _ = loop.run(transport.send(batch(1), deadline=time.monotonic() + 0.1))
    loop.run(transport.close())
    assert result.later is not None
    assert result.later.result(5).outcome is Outcome.UNCERTAIN
    loop.close()


def test_a_closed_port_is_never_a_success() -> None:
    with RecordingMailApi("postmark") as gone:
        url = gone.url
    results, trouble = deliver(url, batch(2))
    assert (outcomes(results), trouble) == (Counter(unsent=2), AWAY)


def test_connections_outlive_a_batch(api: RecordingMailApi) -> None:
    loop, transport = Loop(), ApiTransport(EmailUrl.parse(api.url), connections=1)
    for start in range(0, 9, 3):
        loop.run(transport.send(batch(3, start=start), deadline=time.monotonic() + 20))
    loop.run(transport.close())
    loop.close()
    assert (len(api.mails), api.connections) == (9, 1)


def test_a_server_stands_in_for_a_provider_and_the_other_way_round(api: RecordingMailApi) -> None:
    """By order, beside SMTP; what the first may have taken is not given to the second."""
    with RecordingSmtpServer() as smtp:
        for status, expected in ((503, Counter(sent=6)), (0, Counter(uncertain=6))):
            api.behaviour = ApiBehaviour(status=status) if status else ApiBehaviour(drop="after_body")
            urls = EmailUrl.parse_all(f"{api.url}&order=1 {smtp.url}?order=2")

            def make(url: EmailUrl) -> Any:
                return ApiTransport(url, connections=6) if url.provider else SmtpTransport(url)

            loop, transport = Loop(), transport_of(urls, make)
            results, trouble = loop.run(transport.send(batch(6), deadline=time.monotonic() + 20))
            loop.run(transport.close())
            loop.close()
            assert trouble is None
            assert Counter(r.outcome.value for r in results) == expected
            assert len(smtp.messages) == 6, "those of the first round"
