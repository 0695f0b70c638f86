"""What Prometheus is told about delivery: numbers of issues and messages, of nobody."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

from webstreet.atoms.newsletter.models import Issue
from webstreet.atoms.newsletter.models.issue import Counts, IssueState
from webstreet.engine.metrics import Figure


def figures() -> list[Figure]:
    """Issues that were started and are not over; what is over has no more to tell."""
    started = Issue.objects.filter(started_at__isnull=False, cancelled_at=None)
    unfinished = started.filter(frozen_at=None) | started.filter(chunks__closed=False)
    issues: Counter[str] = Counter(
        {
            str(s): 0
            for s in (IssueState.PREPARING, IssueState.SENDING, IssueState.WAITING, IssueState.HELD, IssueState.PAUSED)
        }
    )
    messages: Counter[str] = Counter(asdict(Counts()))
    for issue in unfinished.defer("html", "text").distinct():
        issues[str(issue.state)] += 1
        messages.update(asdict(issue.counts))
    return [
        Figure("newsletter_issues", "Issues in delivery.", {(s,): n for s, n in issues.items()}, ("state",)),
        Figure(
            "newsletter_messages",
            "Recipients of the issues in delivery.",
            {(s,): n for s, n in messages.items()},
            ("state",),
        ),
    ]
