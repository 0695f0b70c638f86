"""`Exchange`: messages one after the other over one connection, and what is known of each when it ends.

With PIPELINING (RFC 2920) a message's content and the next message's commands leave in one write, so that a message costs one round
trip: the reply to the content and the replies to those commands come back together. With CHUNKING (RFC 3030) the content is announced
by BDAT instead of DATA. Without PIPELINING each command waits for its reply.

It is driven by the replies, not by a task: no future, no timer and no context switch a message. One timer watches the connection.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from typing import Protocol

from webstreet.mail.errors import MailServerAway, SenderRefused
from webstreet.mail.features import Features
from webstreet.mail.pump import Envelope, Outcome, Result
from webstreet.mail.reason import Reason
from webstreet.mail.reply import Meaning, Reply, Stage, meaning, short_of
from webstreet.mail.wire import Wire

TOGETHER_MAX = 49_152
"""Octets of content that leave in one write with the next commands. More may stay in our buffers, and then it must be clear what left."""
_MAIL, _RCPT, _DATA, _END, _EMPTY, _RESET = Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.END, Stage.EMPTY, Stage.RESET
_SENT = Outcome.SENT  # To look a member of an enum up takes longer than many a call.
_TWO, _THREE, _REFUSALS = ord("2"), ord("3"), b"45"
_NO_SUCH_COMMAND = frozenset({500, 501, 502, 503, 504})
_ENOUGH = re.compile(
    r"too many messages (?:in|on|over|per|for) (?:(?:this|one|a|each) )?(?:connection|session)", re.IGNORECASE
)
"""Exim's 421 to one message more than it takes over a connection: nobody wants less from us, only a new connection."""
_GRANTED_CHUNKING = re.compile(rb"(2\d\d .*)\n2\d\d .*\n2\d\d .*\n")
_GRANTED = re.compile(_GRANTED_CHUNKING.pattern + rb"3\d\d .*\n")
"""A yes in one line to a content and to all commands behind it: nearly all that a server with PIPELINING ever says."""
PACES = 2.0
"""How many times as long as the last message took a message may take, when we guess whether it will be over before the deadline."""


class Work(Protocol):
    """Where an exchange takes messages from and puts results."""

    def take(self, start: float) -> Envelope | None:
        """The next message if its content may still go out at ``start`` (``time.monotonic()``); None: no more."""

    def may_start(self, now: float, ahead: bool) -> bool:
        """Whether the content of a message that was taken may go out. ``ahead``: it was taken behind another's content."""

    def give(self, result: Result) -> None:
        """What became of a message that was taken."""

    def doubt(self, result: Result) -> None:
        """It was refused, for a reason for which all others may be refused too."""


@dataclass(slots=True)
class End:
    """How an exchange ended. Whatever was taken and is not named here was given a result.

    Attributes:
        error: why it ended; None: there was nothing more to do.
        culprit: the message at which it ended: not accepted. ``verdict``: what was said of it, when it was about more than it.
        uncertain: its content left wholly and no reply came.
        silent: the server did not close, it said nothing.
        without_chunking: the server offers CHUNKING and does not know BDAT, or something between us and it does not.
        is_final: it wants less from us: another connection at once would be one more.
        back: messages taken whose content did not leave, through no fault of theirs.
    """

    error: MailServerAway | SenderRefused | None = None
    culprit: Envelope | None = None
    verdict: Result | None = None
    uncertain: Envelope | None = None
    silent: bool = False
    without_chunking: bool = False
    is_final: bool = False
    back: list[Envelope] = field(default_factory=list)


class Exchange:
    """One use of a connection; a `webstreet.mail.wire.Listener`.

    Args:
        name: the server's name in errors.
        timeout_s: for each reply but that to a whole content, which gets ``final_s``.
        most: messages to send at most.

    Attributes:
        taken, answered: messages taken; of those, how many the server said something definite about. ``carried``: after their content.
    """

    def __init__(
        self, wire: Wire, features: Features, work: Work, *, name: str, timeout_s: float, final_s: float, most: int
    ) -> None:
        self._wire = wire
        self._features = features
        self._work = work
        self._name = name
        self._timeout_s = timeout_s
        self._final_s = final_s
        self._most = most
        self.taken = 0
        self.answered = 0
        self.carried = 0
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[End] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None
        self._back: list[Envelope] = []
        self._last = _RCPT if features.chunking else _DATA
        self._front: tuple[Stage, ...] = (_MAIL, _RCPT, _DATA)[: features.in_front]
        self._asked: tuple[Stage, ...] = ()
        self._round = (_END, *self._front)
        self._all_granted = (_GRANTED_CHUNKING if features.chunking else _GRANTED).fullmatch
        self._ahead: Envelope | None = None
        self._is_behind = False
        self._refused: tuple[Reply, Stage] | None = None
        self._inside: Envelope | None = None
        self._tail_bytes = 0
        self._began = 0.0
        self._pace_s = 0.0
        self._since = 0.0

    @property
    def behind(self) -> Envelope | None:
        """The message that was taken behind another's content."""
        return self._ahead if self._is_behind else None

    async def run(self) -> End:
        """Send until there is no more work or the connection ends. The connection stays open if there is no error and nothing is back."""
        self._wire.listener = self
        self._since = self._loop.time()
        self._watch()
        try:
            if self._wire.is_open:
                self._continue()
            else:
                self.closed()
            return await self._over
        finally:
            if self._timer is not None:
                self._timer.cancel()
            if self._over.cancelled():
                self._wire.abort()

    # -- What the server says ----------------------------------------------------------------------------------------
    def replied(self, raw: bytes) -> None:
        if self._over.done():
            return
        if not self._asked:
            self._broken(Reply.parse(raw))
            return
        stage, self._asked = self._asked[0], self._asked[1:]
        if raw[0] == (_THREE if stage is _DATA else _TWO):
            self._granted(stage, raw)
        elif raw[0] in _REFUSALS:
            self._refused_by(Reply.parse(raw), stage)
        elif stage is _EMPTY:
            self._ask_on()
        else:
            self._broken(Reply.parse(raw))

    def replied_at_once(self, buffer: memoryview, size: int) -> int:
        """As `replied` does for each of them, when all are a plain yes and everything that was asked is answered by them."""
        if self._asked != self._round or self._over.done():
            return 0
        granted = self._all_granted(buffer, 0, size)
        if granted is None:
            return 0
        inside, ahead = self._inside, self._ahead
        assert inside is not None and ahead is not None  # noqa: S101, PT018 for the type checker
        self._asked, now = (), time.monotonic()
        self._answered(now)
        self._work.give(Result(inside.key, _SENT, short_of(granted[1])))
        self._content(ahead, now)
        return len(self._round)

    def _granted(self, stage: Stage, raw: bytes) -> None:
        if stage is self._last:
            self._decide(is_granted=True)
        elif stage is _END:
            envelope = self._inside
            assert envelope is not None  # noqa: S101 for the type checker
            self._answered(time.monotonic())
            self._work.give(Result(envelope.key, _SENT, short_of(raw)))
            self._ask_on()
        elif stage is _EMPTY or stage is _RESET:
            self._ask_on()
        elif not self._features.pipelining:
            self._step(_RCPT if stage is _MAIL else _DATA)

    def _refused_by(self, reply: Reply, stage: Stage) -> None:
        if stage is _END:
            envelope = self._inside
            assert envelope is not None  # noqa: S101 for the type checker
            if self._features.chunking and reply.code in _NO_SUCH_COMMAND:
                text = f"The mail server {self._name} offers CHUNKING and refuses it."
                self._finish(End(MailServerAway(text), culprit=envelope, without_chunking=True))
            elif self._judge(envelope, reply, stage):
                self._answered(time.monotonic())
                self._refuse(refused(envelope, reply, stage), of_all=True)
                self._ask_on()
        elif reply.code == 421 or stage is _RESET:
            self._broken(reply)
        elif stage is _EMPTY:
            self._ask_on()
        else:
            self._refused = self._refused or (reply, stage)
            if stage is self._last or not self._features.pipelining:
                self._decide(is_granted=False)

    def _answered(self, now: float) -> None:
        """The server said something definite about the content that was inside."""
        self._inside = None
        self.answered += 1
        self.carried += 1
        self._pace_s = now - self._began

    def _judge(self, envelope: Envelope, reply: Reply, stage: Stage) -> bool:
        """Whether a refusal is about this message alone; else all ends."""
        what = meaning(reply, stage)
        if what is Meaning.SENDER_REFUSED:
            text = f"The mail server {self._name} refuses the sender."
            refusal = SenderRefused(text, detail=f"{stage} {reply.short}", code="sender.policy")
            told = Result(envelope.key, Outcome.DEFERRED, reply.short, reply.told(envelope.recipient), reply.reason)
            self._finish(End(refusal, culprit=envelope, verdict=None if stage is _MAIL else told))
        elif what is Meaning.CLOSING:
            self._broken(reply)
        else:
            return True
        return False

    def closed(self) -> None:
        if self._inside is not None and self._content_left():
            self._finish(End(uncertain=self._inside))
        else:
            text = f"The mail server {self._name} closed the connection."
            self._finish(End(MailServerAway(text), culprit=self._inside or self._ahead))

    def _broken(self, reply: Reply) -> None:
        """The server closes, or says what makes no sense here. Only 421 says for certain that the content was not taken."""
        if reply.code != 421:
            self.closed()
            return
        text = f"The mail server {self._name} closes the connection."
        error = MailServerAway(text, detail=reply.short, code="mail_server.busy")
        culprit = self._inside or self._ahead
        if culprit is None or reply.reason is not Reason.SLOW_DOWN or _ENOUGH.search(reply.text):
            self._finish(End(error, culprit=culprit))
            return
        told = Result(culprit.key, Outcome.DEFERRED, reply.short, reply.told(culprit.recipient), reply.reason)
        self._work.give(told)
        self._ahead = None if culprit is self._ahead else self._ahead
        self._inside = None
        self._finish(End(error, is_final=True))

    # -- What we say -------------------------------------------------------------------------------------------------
    def _write(self, data: bytes) -> None:
        if not self._wire.write(data):
            self.closed()

    def _ask_on(self) -> None:
        """Go on with the next message unless something is under way already."""
        if self._ahead is None and self._inside is None and not self._asked:
            self._continue()

    def _continue(self) -> None:
        commands = self._next(time.monotonic())
        if commands:
            self._write(commands)
        else:
            self._finish(End())

    def _next(self, start: float) -> bytes:
        """Take a message that may start then; the commands in front of its content, or the first when the server wants them one by one."""
        while self.taken < self._most:
            envelope = self._work.take(start)
            if envelope is None:
                break
            front = self._features.front(envelope)
            if isinstance(front, Result):
                self._refuse(front, of_all=True)
                continue
            self.taken += 1
            self._ahead, self._refused = envelope, None
            self._is_behind = self._inside is not None
            self._asked += self._front
            return front
        return b""

    def _step(self, stage: Stage) -> None:
        assert self._ahead is not None  # noqa: S101 for the type checker
        self._asked += (stage,)
        self._write(f"RCPT TO:<{self._ahead.recipient}>\r\n".encode() if stage is _RCPT else b"DATA\r\n")

    def _decide(self, *, is_granted: bool) -> None:
        """All replies to the commands in front of a content are there. ``is_granted``: the last of them was a yes."""
        envelope = self._ahead
        assert envelope is not None  # noqa: S101 for the type checker
        if self._refused is None:
            self._content(envelope, time.monotonic())
        elif self._judge(envelope, *self._refused):
            self._ahead = None
            self.answered += 1
            self._refuse(refused(envelope, *self._refused), of_all=self._refused[1] is not _RCPT)
            self._reset(empty=is_granted and self._last is _DATA)

    def _refuse(self, result: Result, *, of_all: bool) -> None:
        """``of_all``: what was refused is nearly the same for everybody: the content, or who it is from."""
        policy = result.reason is Reason.OTHER and " 5.7." in result.code
        shared = policy or (result.reason is Reason.CONTENT and result.code[4:] != "5.6.7")
        if of_all and shared and result.outcome is Outcome.FAILED:
            self._work.doubt(result)
        else:
            self._work.give(result)

    def _content(self, envelope: Envelope, now: float) -> None:
        if not self._work.may_start(now, self._is_behind):
            self._hold_back(envelope)
            return
        self._ahead, self._inside, self._began = None, envelope, now
        self._asked += (_END,)
        together = self._features.pipelining and len(envelope.ready) <= TOGETHER_MAX
        tail = self._next(now + PACES * self._pace_s) if together else b""
        self._tail_bytes = len(tail)
        if not self._wire.write(self._features.framed(envelope.ready, tail)):
            self._inside = None
            self._finish(End(MailServerAway(f"The mail server {self._name} closed the connection."), culprit=envelope))
        elif self._features.pipelining and not together and not self._wire.paused:
            commands = self._next(time.monotonic() + PACES * self._pace_s)
            self._tail_bytes = len(commands)
            if commands:
                self._write(commands)

    def _hold_back(self, envelope: Envelope) -> None:
        """Send no content although the server waits for it. After 354 there is only one way: an end would deliver an empty message."""
        self._ahead = None
        self._back.append(envelope)
        if self._last is _DATA:
            self._wire.abort()
            self._finish(End())
        else:
            self._reset(empty=False)

    def _reset(self, *, empty: bool) -> None:
        """Have the server forget a refused message, in the same write with the next. ``empty``: DATA was granted (RFC 2920 3.1)."""
        self._asked += (_EMPTY, _RESET) if empty else (_RESET,)
        commands = self._next(time.monotonic()) if self._features.pipelining else b""
        self._write((b".\r\n" if empty else b"") + b"RSET\r\n" + commands)

    # -- The end -----------------------------------------------------------------------------------------------------
    def _watch(self) -> None:
        """The one timer: wakes up when a reply is overdue, or would be if none had come since it was set."""
        thinks = self._inside is not None and self._content_left()
        due = max(self._since, self._wire.heard_at) + (self._final_s if thinks else self._timeout_s)
        now = self._loop.time()
        if now < due:
            self._timer = self._loop.call_at(min(due, now + min(self._timeout_s, self._final_s)), self._watch)
        elif thinks:
            self._finish(End(uncertain=self._inside, silent=True))
        else:
            text = f"The mail server {self._name} does not answer."
            self._finish(End(MailServerAway(text), culprit=self._inside or self._ahead, silent=True))

    def _content_left(self) -> bool:
        """Whether the system has taken the last octet of the content: true also when that is not known."""
        if not self._wire.paused or not self._wire.is_exact:
            return True
        if self._wire.unsent_bytes:
            return self._wire.unsent_bytes <= self._tail_bytes
        return self._tail_bytes > 0  # The connection broke, and with it went what was left.

    def _finish(self, end: End) -> None:
        if self._over.done():
            return
        ahead = [self._ahead] if self._ahead is not None and self._ahead is not end.culprit else []
        end.back = self._back + ahead
        if end.error is not None or end.uncertain is not None:
            # A late reply would be taken for one to the next message.
            self._wire.abort()
        self._over.set_result(end)


def refused(envelope: Envelope, reply: Reply, stage: Stage) -> Result:
    """The result of a refusal of this message alone."""
    outcome = Outcome.DEFERRED if meaning(reply, stage) is Meaning.DEFERRED else Outcome.FAILED
    return Result(envelope.key, outcome, reply.short, reply.told(envelope.recipient), reply.reason)
