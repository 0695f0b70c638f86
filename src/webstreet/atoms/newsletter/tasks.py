"""Work in the background: ids in, nothing out. Every row that needs work is found again by a sweeper, so a lost task loses nothing."""

from __future__ import annotations

import atexit
import contextlib
import copy
import datetime as dt
import functools
import logging
import os
import threading
import time
from concurrent.futures import Future, wait

from django.db.models import Q
from django.utils import timezone
from django_tasks.base import Task

from webstreet.atoms.newsletter import (
    actions,
    archive,
    audience,
    bulk,
    events_mailbox,
    ledger,
    letters,
    mail_server,
    mails,
    outbox,
    pacing,
    personal_data,
)
from webstreet.atoms.newsletter.guard import Admitted
from webstreet.atoms.newsletter.models.base import APP, alias
from webstreet.atoms.newsletter.models.bulk import BulkJob
from webstreet.atoms.newsletter.models.delivery import Chunk
from webstreet.atoms.newsletter.models.issue import Issue
from webstreet.atoms.newsletter.models.limits import Pace as PaceSeen
from webstreet.atoms.newsletter.models.notice import Notice, TestMail, Waiting
from webstreet.atoms.newsletter.models.sign_up import DataRequest, SignUp, Throttle
from webstreet.atoms.newsletter.models.token import KEEP, Token
from webstreet.contract.environment import EMAIL_URL, read
from webstreet.engine import mail_api
from webstreet.engine.away import is_away
from webstreet.engine.tasks import enqueue_on_commit, every, nothing_else_to_do, task
from webstreet.engine.tasks.heartbeat import WorkerSeen
from webstreet.kernel.errors import WebstreetError
from webstreet.mail.pump import Envelope, Loop, Outcome, Pace, Result, Transport, Trouble, pump
from webstreet.mail.several import transport_of
from webstreet.mail.url import DEFAULT_EMAIL_URL, EmailUrl

STEP_S = 0.7
"""Budget of one step of an issue or of a notice, opening a connection included, so that the step with its ends stays below a second: nobody
waits for longer. While nobody waits, an issue's step goes on.

Only a message in flight may go beyond it, by `webstreet.mail.smtp.GRACE_S`. What the server thinks about for longer is recorded when it has
answered: to cut it off would make it uncertain.
"""
GOES_ON_S = 3.0
"""At most, after that. The ticks of a worker end it before; by then the issue has to show that it lives (`SILENT_AFTER`)."""
STOP_S = 5.0
"""What a worker that ends waits for those answers. After it they are uncertain."""
LEAST_S = 0.1
"""For sending, when the database took all of a step: else a slow one would let nothing through."""
LEFT_AFTER = dt.timedelta(seconds=5)
SILENT_AFTER = dt.timedelta(seconds=10)
"""An issue with something to do and no sign of life for so long has lost its task."""
FREEZING_SHARE = 0.6
"""Of a step's budget, while the audience is still being written: the rest is for sending to those who are in the ledger."""
WORKER_SEEN = dt.timedelta(seconds=30)
LANES_MAX = 32
MANY = 200
"""A batch at least, where a provider takes many at once: a call costs its way there and back, however few it is for."""
UNCERTAIN = "uncertain"
_mine = threading.local()
_turns: dict[int, tuple[float, str]] = {}
"""When this process looks at an issue again, of those that a limit made wait for a few seconds: the moment and the chain of steps."""
_thinking: list[tuple[Future[Result], Waiting, Task]] = []
_hearing = threading.Lock()
logger = logging.getLogger(__name__)


# -- The mail server -------------------------------------------------------------------------------------------------
def _transport() -> tuple[Transport, Loop]:
    """This thread's connections to the mail servers; kept between steps, made anew when EMAIL_URL changes."""
    address = read(os.environ, EMAIL_URL, DEFAULT_EMAIL_URL)
    if getattr(_mine, "address", None) != address:
        close_transport()
        urls, usual = EmailUrl.parse_all(address), mails.parameters().connections
        _mine.transport = transport_of(urls, lambda url: mail_api.transport_to(url, connections=usual))
        first = [url for url in urls if url.order == urls[0].order]
        least = 4 * sum(url.connections or usual for url in urls)
        _mine.pace = Pace(least=max(least, MANY) if mail_api.takes_many(first) else least)
        _mine.loop = Loop()
        _mine.address, _mine.urls = address, urls
        atexit.unregister(stop)
        atexit.register(stop)
    return _mine.transport, _mine.loop


def _servers() -> dict[str, pacing.Shared]:
    """Limits of the mail servers that are used now."""
    members = getattr(_mine.transport, "members", ())
    return pacing.servers_of(_mine.urls, [member.name for member in members if member.trouble is not None])


def close_transport() -> None:
    """Say goodbye to the mail server."""
    if getattr(_mine, "address", None) is not None:
        _mine.address = None
        with contextlib.closing(_mine.loop):
            _mine.loop.run(_mine.transport.close())


def stop() -> None:
    """The process ends: what it alone knows is written down."""
    end = time.monotonic() + STOP_S
    outbox.wait_for_answers(STOP_S)
    wait([later for later, _, _ in _thinking], max(0.0, end - time.monotonic()))
    close_transport()
    for write in (outbox.write_down, hear_late_answers):
        try:
            write()
        except Exception as error:  # noqa: BLE001 the leases run out, and what is not written becomes uncertain
            logger.warning("outbox.left_unwritten", extra={"error": type(error).__name__})


# -- People who wait -------------------------------------------------------------------------------------------------
def accept(admitted: Admitted, *, source: str) -> None:
    """Write down a sign-up and have a worker process it; nothing for one that is only to be answered politely."""
    made = actions.sign_up(admitted, source=source)
    if made is not None:
        enqueue_on_commit(process_sign_up, made.pk, using=alias())


def accept_data_request(admitted: Admitted) -> None:
    """Write down that somebody asked what is kept about an address; a worker looks whether anything is."""
    made = personal_data.ask(admitted)
    if made is not None:
        enqueue_on_commit(process_data_request, made.pk, using=alias())


@task(queue="interactive", atom=APP)
def process_sign_up(sign_up_id: int) -> None:
    notice = actions.process_sign_up(sign_up_id)
    if notice is not None:
        enqueue_on_commit(send_notice, notice.pk, using=alias())


@task(queue="interactive", atom=APP)
def process_data_request(request_id: int) -> None:
    notice = personal_data.process(request_id)
    if notice is not None:
        enqueue_on_commit(send_notice, notice.pk, using=alias())


@task(queue="interactive", atom=APP)
def send_notice(notice_id: int) -> None:
    """Send a mail that a person waits for in one step; when the mail server is away or silent it is tried again by the sweeper."""
    notice = Notice.claim(notice_id)
    if notice is not None:
        _send_one(notice, letters.notice_envelope(notice), send_notice)


@task(queue="interactive", atom=APP)
def send_test(test_id: int) -> None:
    """Send an editor's test mail, as `send_notice` does."""
    mail = TestMail.claim(test_id)
    if mail is None:
        return
    envelope = letters.envelope_of_test(mail)
    if envelope is None:
        mail.give_up("issue.article_missing")
    else:
        _send_one(mail, envelope, send_test)


def _send_one(mail: Waiting, envelope: Envelope, again: Task) -> None:
    transport, loop = _transport()
    pacing.spend_one(envelope.recipient, _servers())
    results, trouble = loop.run(transport.send([envelope], deadline=time.monotonic() + STEP_S))
    if trouble is not None or results[0].outcome is not Outcome.UNSENT:
        mail_server.sending.noted(trouble.code if trouble else "")
    _decide(mail, results[0], trouble, again)


def _decide(mail: Waiting, result: Result, trouble: Trouble | None, again: Task) -> None:
    if result.later is not None:
        _thinking.append((result.later, mail, again))
    elif result.outcome is Outcome.SENT:
        mail.was_sent(result.code)
    elif result.outcome is Outcome.UNCERTAIN:
        # A person waits for it: twice, with the same Message-ID, is better than not at all. A third time would not be.
        if mail.code == UNCERTAIN:
            mail.was_sent(result.code)
        else:
            mail.try_later(UNCERTAIN)
    elif result.outcome is Outcome.FAILED:
        mail.give_up(result.code)
    elif result.outcome is Outcome.UNSENT and trouble is None:
        mail.go_on()
        enqueue_on_commit(again, mail.pk, using=alias())
    elif trouble is not None:
        mail.wait_for_server(UNCERTAIN if mail.code == UNCERTAIN else trouble.code)
        if mail.given_up_at is not None:
            logger.warning("mail.given_up", extra={"notice": mail.pk, "code": trouble.code})
    else:
        mail.try_later(UNCERTAIN if mail.code == UNCERTAIN else result.code)


@every(2)
def hear_late_answers() -> None:
    """About mails that the server thought about for longer than a step. What cannot be written now is kept, and holds up no other."""
    away: Exception | None = None
    with _hearing:
        for known in list(_thinking):
            try:
                if not _is_heard(*known):
                    continue
            except Exception as error:  # noqa: BLE001 whatever it is, the others are heard
                if is_away(error):
                    away = error
                    continue
                # It would fail for ever: the mail is gone with the person, say. Of the error only the kind: the rest may name somebody.
                logger.error("outbox.never_written", extra={"error": type(error).__name__})
            _thinking.remove(known)
    if away is not None:
        raise away


def _is_heard(later: Future[Result], mail: Waiting, again: Task) -> bool:
    if not later.done():
        mail.go_on_waiting()
        return False
    # A copy: what could not be written must not look as if it were, when it is tried again.
    _decide(copy.copy(mail), later.result(), None, again)
    return True


# -- Issues ----------------------------------------------------------------------------------------------------------
def wake(issue: Issue) -> None:
    """Have every worker look at an issue once this transaction is committed."""
    lanes = _lanes()
    chain = issue.new_chain(lanes)
    for _ in range(lanes):
        enqueue_on_commit(deliver, issue.pk, chain, using=alias())


def _lanes() -> int:
    """Steps of one issue that may run at the same time: one for each worker that lives."""
    living = WorkerSeen.objects.filter(seen_at__gt=timezone.now() - WORKER_SEEN).count()
    return min(max(1, living), LANES_MAX)


@task(queue="bulk", atom=APP)
def deliver(issue_id: int, chain: str) -> None:
    """One step of an issue, see `STEP_S`; enqueues itself again while there is something to do at once. There are as many such tasks of
    an issue as there were workers when it was woken: however often that happens, the queue does not fill up.
    """
    issue = Issue.objects.filter(pk=issue_id, chain=chain).first()
    if issue is None:
        return
    if deliver_step(issue):
        issue.alive()
        enqueue_on_commit(deliver, issue_id, chain, using=alias())
    elif (moment := pacing.next_turn(issue)) is not None:
        issue.alive()
        _turns[issue_id] = (moment.timestamp(), chain)


def deliver_step(issue: Issue, *, budget_s: float = STEP_S) -> bool:
    """Do one step; whether another should follow at once. Several workers may be at one issue: each takes other chunks."""
    if issue.cancelled_at:
        return _close_cancelled(issue)
    if not issue.may_send or issue.due_at > timezone.now():
        return False
    end = time.monotonic() + budget_s
    frozen = issue.frozen_at is not None
    if not frozen:
        # The first slice only, so that the first mails leave at once.
        frozen = ledger.freeze_audience(issue, budget_s=budget_s * FREEZING_SHARE if issue.audience else 0)
    if (quiet := pacing.quiet_now(issue, timezone.now())) is not None:
        # The audience is that of the start all the same.
        if frozen:
            issue.hold(quiet.code, quiet.until)
        return not frozen
    issue.go_on()
    transport, loop = _transport()
    gate = pacing.gate_of(issue, _servers if any(url.rate for url in _mine.urls) else None, end)
    try:
        box = outbox.IssueOutbox(issue, resend_uncertain=mails.parameters().uncertain == "resend", gate=gate)
    except WebstreetError as error:
        issue.pause(reason=error.error_code)
        raise
    try:
        budget = max(LEAST_S, end - time.monotonic())
        goes_on = functools.partial(_goes_on, issue, end + GOES_ON_S) if frozen and gate is None else None
        done = pump(box, transport, loop, budget_s=budget, pace=_mine.pace, takes_under_way=True, goes_on=goes_on)
    finally:
        box.close()
    if done.trouble is not None or done.decided:
        mail_server.sending.noted(done.trouble.code if done.trouble else "")
    if done.trouble is not None:
        return False
    PaceSeen.note(issue, done.decided)
    if gate is not None and gate.hold is not None:
        if frozen:
            issue.hold(gate.hold.code, gate.hold.until)
        return not frozen
    return not (done.empty and frozen) or (gate is not None and gate.is_cut)


def _goes_on(issue: Issue, last: float) -> bool:
    """Whether a step goes on instead of being followed by another: each end costs as much as some hundred mails.

    Not when the next would begin otherwise: quiet hours, a provider that wants less by now, other workers' news of the mail server, more
    workers or fewer. Nor after ``last``, in monotonic seconds.
    """
    now = timezone.now()
    if time.monotonic() >= last or pacing.quiet_now(issue, now) is not None or not nothing_else_to_do():
        return False
    same = Issue.objects.filter(pk=issue.pk, chain=issue.chain, due_at__lte=now)
    return same.exists() and pacing.gate_of(issue, None, last) is None


def _next_moment() -> float | None:
    return min((moment for moment, _ in _turns.values()), default=None)


@every(5, at=_next_moment)
def take_turns() -> None:
    """Look again at issues that wait for a turn, to the second. Should this process end, the sweeper does it a little later."""
    for issue_id, (moment, chain) in list(_turns.items()):
        if moment <= time.time():
            del _turns[issue_id]
            deliver.enqueue(issue_id, chain)


def _close_cancelled(issue: Issue) -> bool:
    lease = ledger.claim_chunk(issue)
    if lease is None:
        return False
    ledger.cancel_chunk(lease)
    return True


# -- Subscribers, many at once ---------------------------------------------------------------------------------------
@task(queue="bulk", atom=APP)
def bulk_step(job_id: int) -> None:
    """One step of a bulk action; enqueues itself again until it is done."""
    if bulk.step(job_id, budget_s=STEP_S):
        enqueue_on_commit(bulk_step, job_id, using=alias())


@task(queue="bulk", atom=APP)
def archive_issue(issue_id: int) -> None:
    """One step of making an old issue's ledger its totals."""
    if archive.step(issue_id, budget_s=STEP_S):
        enqueue_on_commit(archive_issue, issue_id, using=alias())


# -- Sweepers --------------------------------------------------------------------------------------------------------
@every(5)
def find_left_work() -> None:
    """Enqueue again whatever should have happened by now: lost wake-ups, killed workers, an absent mail server."""
    now = timezone.now()
    limit = now - LEFT_AFTER
    # Not those of this moment; one from the future is from before the clock was set back.
    for pk in SignUp.objects.exclude(created_at__range=(limit, now)).order_by("id").values_list("pk", flat=True)[:200]:
        process_sign_up.enqueue(pk)
    for pk in DataRequest.objects.filter(created_at__lt=limit).order_by("id").values_list("pk", flat=True)[:200]:
        process_data_request.enqueue(pk)
    for pk in Notice.open().filter(due_at__lt=limit).order_by("due_at").values_list("pk", flat=True)[:200]:
        send_notice.enqueue(pk)
    for pk in TestMail.open().filter(due_at__lt=limit).order_by("due_at").values_list("pk", flat=True)[:200]:
        send_test.enqueue(pk)
    silent = timezone.now() - SILENT_AFTER
    for pk in BulkJob.open().filter(woken_at__lt=silent).order_by("id").values_list("pk", flat=True)[:20]:
        bulk_step.enqueue(pk)
    _find_left_issues()


def _find_left_issues() -> None:
    now = timezone.now()
    expired = Chunk.objects.filter(closed=False, lease_until__lt=now).values_list("issue_id", flat=True)
    resend = mails.parameters().uncertain == "resend"
    for issue in Issue.objects.filter(pk__in=list(expired[:100])):
        ledger.take_over_expired(issue, resend=resend)
    silent = Q(woken_at=None) | Q(woken_at__lt=now - SILENT_AFTER)
    # Workers that came since take part, and those that went leave no task behind for which a step would end.
    others = Q(lanes=None) | ~Q(lanes=_lanes())
    for issue in Issue.due(now).filter(silent | others).order_by("id")[:50]:
        wake(issue)


@every(3600)
def forget_old() -> None:
    """Counters of yesterday, links that expired a month ago, addresses that tests went to."""
    pacing.forget_old(timezone.now())
    Throttle.objects.filter(window__lt=timezone.now() - dt.timedelta(days=2)).delete()
    Token.objects.filter(expires_at__lt=timezone.now() - KEEP).delete()
    TestMail.objects.filter(created_at__lt=timezone.now() - dt.timedelta(days=1)).delete()
    BulkJob.objects.filter(finished_at__lt=timezone.now() - dt.timedelta(days=30)).delete()


@every(60)
def read_what_came_back() -> None:
    events_mailbox.start()


@every(900)
def count_audience() -> None:
    audience.count_today()


@every(3600)
def archive_old() -> None:
    for pk in archive.due(timezone.now()).order_by("id").values_list("pk", flat=True)[:20]:
        archive_issue.enqueue(pk)
