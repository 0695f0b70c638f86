"""`ApiTransport`: hands batches to the API of a provider; a `webstreet.mail.pump.Transport` beside SMTP's, with the same promises.

A request is made in a thread of its own, which no process waits for: what it has not heard of when its process ends is uncertain, as with a
reply of SMTP that never came.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any

import requests
from anymail.exceptions import AnymailRecipientsRefused, AnymailRequestsAPIError

from webstreet.engine.mail_api.backends import ANSWER_S, KNOWN, backend_of, wire
from webstreet.engine.mail_api.memory import POLICY, Answer, Memory, letter_of
from webstreet.engine.mail_api.messages import merged, single
from webstreet.kernel.secret import Secret
from webstreet.mail.errors import MailServerAway
from webstreet.mail.merge import Mergeable
from webstreet.mail.pump import Envelope, Outcome, Result, Trouble
from webstreet.mail.reason import Reason, reason_of
from webstreet.mail.reply import Reply
from webstreet.mail.smtp import GRACE_S, SLOW_S
from webstreet.mail.url import EmailUrl

IDLE_MAX_S = 20.0
"""A connection that was idle for longer is not used again: providers close them without a word."""
AWAY = Trouble(MailServerAway.code, pause=False)
TLS = Trouble("mail_server.tls", pause=False)
BUSY = Trouble("mail_server.busy", pause=False)
SLOW = Trouble("mail_server.slow", pause=False)
LOGIN = Trouble("sender.login", pause=True)
_LOGIN, _POLICY = frozenset({401, 403}), frozenset({402, 404, 405})
_AWAY = frozenset({408, 425, 503})
"""The request was not taken, and may be later."""
_OF_GATEWAYS = frozenset({502, 504})
"""It was given on to somebody whose answer never came, or is none: it may have got through."""
CALL_MIN = 50
"""Recipients of one request for many: so many at least, however many connections there are to share them."""
LESS_S, LESS_MAX_S = 5.0, 600.0
"""How long nothing is asked of a provider that wants less and does not say for how long; and at most."""
_SAID = ("message", "Message", "ErrorMessage", "error", "detail")
_TAKEN = frozenset({"sent", "queued"})
_REFUSED = frozenset({"rejected", "invalid"})
logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Call:
    """One request. ``later``: of those whose fate somebody waits for since `ApiTransport.send` has returned."""

    envelopes: Sequence[Envelope]
    done: asyncio.Future[Answer]
    started: float
    is_probe: bool = False
    later: dict[int, Future[Result]] = field(default_factory=dict)

    def tell(self, answer: Answer, *, everybodys: bool) -> None:
        told = {result.key: result for result in (*answer.results, *_judged(answer.doubts, everybodys=everybodys))}
        for key, later in self.later.items():
            if not later.done():
                later.set_result(told.get(key, Result(key, Outcome.UNSENT)))

    def give_up(self) -> None:
        for key, later in self.later.items():
            if not later.done():
                later.set_result(Result(key, Outcome.UNCERTAIN, "closed"))


class ApiTransport:
    """Up to ``connections`` requests at the same time, over connections that stay open. Belongs to one event loop.

    Args:
        answer_s: from the beginning of a request to the end of its answer; later it is uncertain.
    """

    def __init__(self, url: EmailUrl, *, connections: int = 4, answer_s: float = ANSWER_S) -> None:
        self._url = url
        self._connections = url.connections or connections
        self._answer_s = answer_s
        self._idle: list[tuple[float, Any]] = []
        self._calls: set[_Call] = set()
        self._less_until = 0.0
        self._memory = Memory()
        self._closed = False

    async def send(self, batch: Sequence[Envelope], *, deadline: float) -> tuple[list[Result], Trouble | None]:
        """See `pump.Transport`."""
        sending = _Sending(batch, self._url.provider, self._memory)
        sending.trouble = BUSY if time.monotonic() < self._less_until else self._memory.pending(sending.letter)
        free = await self._free(deadline) if sending.trouble is None else 0
        if not free and self._calls and time.monotonic() - min(call.started for call in self._calls) >= SLOW_S:
            sending.trouble = sending.trouble or SLOW
        running: set[_Call] = set()
        sending.share_among(free)
        while free:
            sending.trouble = sending.trouble or self._memory.pending(sending.letter)
            while len(running) < free and time.monotonic() < deadline and (part := sending.take()):
                try:
                    running.add(self._begin(part))
                except Exception as error:  # noqa: BLE001 no thread, no memory: nothing has left
                    logger.error("mail_api.not_begun", extra={"error": type(error).__name__})
                    sending.put_back(part, AWAY)
            timeout = deadline + GRACE_S - time.monotonic()
            if not running or timeout <= 0:
                break
            waited = [call.done for call in running]
            await asyncio.wait(waited, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            running -= sending.heard(running)
        return sending.finish(running - sending.heard(running))

    async def _free(self, deadline: float) -> int:
        """How many requests may be made; waits for the first while the provider thinks about all that were."""
        if len(self._calls) >= self._connections:
            timeout = max(0.0, deadline - time.monotonic())
            waited = [call.done for call in self._calls]
            await asyncio.wait(waited, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        return self._connections - sum(not call.done.done() for call in self._calls)

    def _begin(self, part: Sequence[Envelope]) -> _Call:
        loop = asyncio.get_running_loop()
        call = _Call(part, loop.create_future(), time.monotonic())
        backend = self._backend()

        def work() -> None:
            try:
                answer = asked(backend, self._url, part)
            except Exception as error:  # noqa: BLE001 a call that never ends would keep its people, and its connection, for ever
                logger.error("mail_api.not_understood", extra={"error": type(error).__name__})
                answer = _lost([envelope.key for envelope in part])
            try:
                loop.call_soon_threadsafe(self._ended, call, backend, answer)
            except RuntimeError:  # The loop is closed: nobody waits any more, see `close`.
                backend.close()

        # A daemon: a process that ends does not wait minutes for a provider.
        threading.Thread(target=work, name="mail-api", daemon=True).start()
        # Last: one that never began has no end.
        self._calls.add(call)
        letter = letter_of(part[0])
        self._memory.begin(letter)
        call.is_probe = self._memory.doubts(letter) > 0
        return call

    def _backend(self) -> Any:
        while self._idle:
            since, backend = self._idle.pop()
            if time.monotonic() - since < IDLE_MAX_S:
                return backend
            backend.close()
        return backend_of(self._url, answer_s=self._answer_s)

    def _ended(self, call: _Call, backend: Any, answer: Answer) -> None:
        self._calls.discard(call)
        if self._closed or answer.trouble is not None:
            backend.close()
        else:
            self._idle.append((time.monotonic(), backend))
        if answer.less_s:
            self._less_until = time.monotonic() + answer.less_s
        letter = letter_of(call.envelopes[0])
        self._memory.note(answer, letter, late=bool(call.later), probe=call.is_probe)
        if not call.done.done():
            call.done.set_result(answer)
        call.tell(answer, everybodys=self._memory.are_many(letter))

    async def close(self) -> None:
        """What the provider has not answered by now is uncertain."""
        self._closed = True
        for call in self._calls:
            call.give_up()
        for _, backend in self._idle:
            backend.close()
        self._idle.clear()


class _Sending:
    """One call of `ApiTransport.send`: what is left of its batch, and what is known. ``letter``: of all of it."""

    def __init__(self, batch: Sequence[Envelope], provider: str, memory: Memory) -> None:
        self._left = deque(batch)
        self._memory = memory
        self.letter = letter_of(batch[0]) if batch else ""
        self._may_be_everybodys = False
        self._is_everybodys = False
        self._probes = 0
        self._most = KNOWN[provider].most
        self._results: list[Result] = []
        self._doubts: list[Result] = []
        self.trouble: Trouble | None = None

    def share_among(self, calls: int) -> None:
        """So that one of many recipients leaves something to the others."""
        if calls:
            self._most = min(self._most, max(CALL_MIN, -(-len(self._left) // calls)))

    def take(self) -> list[Envelope]:
        """Of one request: of those that share a skeleton as many as the provider takes together; empty: no more."""
        if self.trouble is not None or self._is_everybodys or not self._left:
            return []
        if self._memory.doubts(self.letter):
            return [self._from_elsewhere()]
        part = [self._left.popleft()]
        while self._left and len(part) < self._most and self._goes_with(part[0], self._left[0]):
            part.append(self._left.popleft())
        return part

    def _from_elsewhere(self) -> Envelope:
        """Somebody alone, far from who was refused, to learn whom that is about: bad addresses stand together, as in their file."""
        self._probes += 1
        place = -1 if self._probes % 2 else len(self._left) // 2
        found = self._left[place]
        del self._left[place]
        return found

    def put_back(self, part: Sequence[Envelope], trouble: Trouble) -> None:
        """It was not asked for."""
        self._left.extendleft(reversed(part))
        self.trouble = self.trouble or trouble

    def _goes_with(self, first: Envelope, other: Envelope) -> bool:
        if not isinstance(first, Mergeable) or not isinstance(other, Mergeable):
            return False
        return first.skeleton is other.skeleton and self._memory.part_of(first) == self._memory.part_of(other)

    def heard(self, running: Iterable[_Call]) -> set[_Call]:
        """Take in what was answered by now; which those were."""
        done = {call for call in running if call.done.done()}
        for call in done:
            self._answered(call.done.result())
        was_taken = any(result.outcome is Outcome.SENT for result in self._results)
        self._may_be_everybodys = bool(self._doubts) and not was_taken and self._memory.are_many(self.letter)
        # While there is somebody else to ask for, only their answer tells. With nobody left the refusals are all there is, once
        # what is under way was heard or its time is over.
        is_known = not self._left or self._memory.is_everybodys(self.letter)
        self._is_everybodys = self._may_be_everybodys and is_known
        return done

    def _answered(self, answer: Answer) -> None:
        self._results += answer.results
        self._doubts += answer.doubts
        self._left.extendleft(reversed([envelope for part in answer.apart for envelope in part]))
        self.trouble = self.trouble or answer.trouble

    def finish(self, running: set[_Call]) -> tuple[list[Result], Trouble | None]:
        """What is known now; what was asked and is not answered is under way."""
        if self._is_everybodys:
            self.trouble = POLICY
        if self.trouble is POLICY:
            self._memory.told(self.letter)
        # Who answers slowly leaves no time to ask for somebody else: the next step does, and until then nobody has failed.
        everybodys = self.trouble is POLICY or self._may_be_everybodys
        found = [*self._results, *_judged(self._doubts, everybodys=everybodys)]
        found += [Result(envelope.key, Outcome.UNSENT) for envelope in self._left]
        for call in running:
            call.later = {envelope.key: Future() for envelope in call.envelopes}
            found += [Result(key, Outcome.UNDER_WAY, later=later) for key, later in call.later.items()]
        return found, self.trouble


def _judged(doubts: Sequence[Result], *, everybodys: bool) -> list[Result]:
    """Nobody has failed for what all are refused for, or may be."""
    return [replace(each, outcome=Outcome.DEFERRED) if everybodys else each for each in doubts]


def asked(backend: Any, url: EmailUrl, part: Sequence[Envelope]) -> Answer:
    """Make one request, whatever comes of it."""
    wire.forget()
    keys = [envelope.key for envelope in part]
    try:
        message = _message(part, url.provider)
        if message is None:
            return Answer(apart=[[envelope] for envelope in part])
        backend.send_messages([message])
    except AnymailRecipientsRefused:
        pass
    except AnymailRequestsAPIError as error:
        return _unlike(error, part, url.password)
    except OSError:
        if wire.left:
            return _lost(keys)
        # A file of authorities that cannot be read.
        return Answer([Result(key, Outcome.UNSENT, TLS.code) for key in keys], trouble=TLS)
    except Exception as error:  # noqa: BLE001 whatever it is: what may have left is never sent again, and a message holds up no other
        return _lost(keys) if wire.left else _unspeakable(error, part)
    if wire.answer is not None and not 200 <= wire.answer.status_code < 300:
        refused = _by_status(wire.answer, part, url.password)
        if refused.trouble is not None or refused.apart:
            return refused
    return _by_recipient(message, part, url.password)


def _unspeakable(error: Exception, part: Sequence[Envelope]) -> Answer:
    """It cannot be said in the provider's form: an address outside ASCII, a sender that is none."""
    if len(part) > 1:
        return Answer(apart=_halves(part))
    text = f"The provider's API cannot be told this message ({type(error).__name__})."
    return Answer(doubts=[Result(part[0].key, Outcome.FAILED, "554 5.6.3", text, Reason.CONTENT)])


def _halves(part: Sequence[Envelope]) -> Sequence[Sequence[Envelope]]:
    """One bad address among hundreds is found by a few requests."""
    middle = (len(part) + 1) // 2
    return part[:middle], part[middle:]


def _message(part: Sequence[Envelope], provider: str) -> Any:
    many = [envelope for envelope in part if isinstance(envelope, Mergeable)]
    return merged(many, provider) if len(part) > 1 else single(part[0], provider)


def _lost(keys: Sequence[int], code: str = "closed") -> Answer:
    return Answer([Result(key, Outcome.UNCERTAIN, code) for key in keys], trouble=AWAY)


def _unlike(error: AnymailRequestsAPIError, part: Sequence[Envelope], secret: Secret) -> Answer:
    """No answer, one that refuses, or one that nobody can read."""
    keys = [envelope.key for envelope in part]
    if wire.answer is None:
        if wire.left:
            return _lost(keys, "silent" if isinstance(error, requests.Timeout) else "closed")
        trouble = TLS if isinstance(error, requests.exceptions.SSLError) else AWAY
        return Answer([Result(key, Outcome.UNSENT, trouble.code) for key in keys], trouble=trouble)
    if 200 <= wire.answer.status_code < 300:
        return _lost(keys)
    return _by_status(wire.answer, part, secret)


def _by_status(answer: requests.Response, part: Sequence[Envelope], secret: Secret) -> Answer:
    """What a status that is no success means."""
    status, keys = answer.status_code, [envelope.key for envelope in part]
    if status in _LOGIN or status in _POLICY or status in _AWAY or status == 429 or 300 <= status < 400:
        trouble = {429: BUSY}.get(status, LOGIN if status in _LOGIN else AWAY if status in _AWAY else POLICY)
        return Answer(
            [Result(key, Outcome.UNSENT, trouble.code) for key in keys],
            trouble=trouble,
            less_s=_less_s(answer) if status in (429, *_AWAY) else 0.0,
        )
    if status in _OF_GATEWAYS:
        return _lost(keys, "silent")
    if status >= 500:
        return Answer([_told(envelope, answer, secret, Outcome.DEFERRED) for envelope in part])
    if len(part) > 1:
        return Answer(apart=_halves(part))
    return Answer(doubts=[_told(part[0], answer, secret, Outcome.FAILED)])


def _by_recipient(message: Any, part: Sequence[Envelope], secret: Secret) -> Answer:
    """Of an answer that says of each recipient what became of the mail."""
    told = {address.casefold(): status for address, status in message.anymail_status.recipients.items()}
    answer, made = wire.answer, Answer()
    assert answer is not None  # noqa: S101 for the type checker
    for envelope in part:
        status = told.get(envelope.recipient.casefold())
        word = status.status if status is not None else "unknown"
        if word in _TAKEN:
            made.results.append(Result(envelope.key, Outcome.SENT, str(answer.status_code)))
        elif word in _REFUSED:
            refused = _told(envelope, answer, secret, Outcome.FAILED)
            made.results.append(replace(refused, reason=Reason.RECIPIENT))
        elif word == "failed" or answer.status_code >= 300:
            made.doubts.append(_told(envelope, answer, secret, Outcome.FAILED))
        else:
            made.results.append(Result(envelope.key, Outcome.UNCERTAIN, "unknown"))
    return made


def _told(envelope: Envelope, answer: requests.Response, secret: Secret, outcome: Outcome) -> Result:
    """With the provider's words, which may repeat the address, and must not the key."""
    text = _words(answer)
    if any(part in text for part in secret.reveal().split(":") if part):
        text = ""
    reply = Reply(answer.status_code, text)
    reason = reason_of(450 if outcome is Outcome.DEFERRED else 550, "", text)
    if reason in (Reason.SENDER, Reason.RECIPIENT):
        # Words of a program about what it was asked, not of the server that has the mailbox: nobody is struck off for them.
        reason = Reason.OTHER
    return Result(envelope.key, outcome, str(answer.status_code), reply.told(envelope.recipient), reason)


def _words(answer: requests.Response) -> str:
    try:
        said = json.loads(answer.content[:100_000])
    except (ValueError, RecursionError):
        return ""
    for _ in range(4):
        if isinstance(said, list):
            said = said[0] if said else ""
        elif isinstance(said, dict):
            said = next((said[name] for name in (*_SAID, "Messages", "Errors", "errors") if said.get(name)), "")
    return said if isinstance(said, str) else ""


def _less_s(answer: requests.Response) -> float:
    """Of Retry-After in seconds; a date is not worth the trouble."""
    text = answer.headers.get("Retry-After", "")
    seconds = float(text) if re.fullmatch(r"[0-9]{1,6}", text) else LESS_S
    return min(max(1.0, seconds), LESS_MAX_S)
