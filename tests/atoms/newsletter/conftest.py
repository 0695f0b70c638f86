"""A recording mail server, announcements to send, and readers who sign up."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable, Iterator

import pytest
from django.test import Client

from webstreet.engine import hooks
from webstreet.engine.announcements import Announcement
from webstreet.testing.smtp import RecordingSmtpServer

BODY = """<p>Premier paragraphe, avec <a href="https://example.org/a">un lien</a> &amp; des accents : été.</p>
<h2>Un titre</h2><ul><li>un</li><li>deux</li></ul>"""


@pytest.fixture
def smtp(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordingSmtpServer]:
    """The site's mail server."""
    from webstreet.atoms.newsletter.tasks import close_transport

    with RecordingSmtpServer() as server:
        monkeypatch.setenv("EMAIL_URL", server.url)
        yield server
        close_transport()


@pytest.fixture
def drain() -> Iterator[Callable[[], int]]:
    """Run every queued task, as the worker would."""
    from webstreet.atoms.newsletter.tasks import close_transport
    from webstreet.engine.tasks.worker import drain

    yield drain
    close_transport()


class Queue:
    """What waits for a worker, whichever backend the suite runs on."""

    def __len__(self) -> int:
        if self._rq:
            return sum(len(queue) for queue in self._rq)
        from django_tasks_db.models import DBTaskResult

        return DBTaskResult.objects.ready().count()

    def lose(self) -> None:
        """Every wake-up is lost, as when Redis is restarted empty."""
        assert len(self), "there is something to lose"
        for queue in self._rq:
            queue.empty()
        from django_tasks_db.models import DBTaskResult

        DBTaskResult.objects.all().delete()
        assert not len(self)

    @property
    def _rq(self) -> list:
        from django.conf import settings

        if not settings.RQ_QUEUES:
            return []
        import django_rq

        return [django_rq.get_queue(name) for name in settings.WORK_QUEUES]


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def announce() -> Iterator[Callable[..., Announcement]]:
    """``announce("Title")`` makes content that is public; ``announce.gone.add(uuid)`` takes it away."""
    known: dict[uuid.UUID, Announcement] = {}

    def render(asked: uuid.UUID) -> Announcement | None:
        return known.get(asked)

    def make(title: str = "L’été à Besançon", **changes: object) -> Announcement:
        values: dict = {
            "uuid": uuid.uuid4(),
            "title": title,
            "url": "https://blog.example.com/articles/ete/",
            "excerpt": "Ce qu’il s’est passé.",
            "body_html": BODY,
            "language": "fr",
            "cover_url": "",
            "published_at": dt.datetime(2026, 7, 14, 9, 0, tzinfo=dt.UTC),
            "author": "Ada Lovelace",
        }
        found = Announcement(**(values | changes))
        known[found.uuid] = found
        return found

    make.withdraw = known.pop  # type: ignore[attr-defined]
    make.again = lambda found: known.__setitem__(found.uuid, found)  # type: ignore[attr-defined]
    hooks.register("render_announcement")(render)
    yield make
    hooks.unregister("render_announcement", render)


@pytest.fixture
def subscribers() -> Callable[..., list]:
    """``subscribers(5)`` makes that many active ones: s0@example.org and so on."""

    def make(count: int, *, start: int = 0) -> list:
        from webstreet.atoms.newsletter.models import MailingList, Membership, Subscriber

        made = Subscriber.objects.bulk_create(
            Subscriber(email=f"s{i}@example.org", status="active") for i in range(start, start + count)
        )
        main = MailingList.main()
        Membership.objects.bulk_create(Membership(mailing_list=main, subscriber=s) for s in made)
        return made

    return make


@pytest.fixture
def parameters(settings):
    """``parameters(on_publish="draft")`` changes the newsletter's parameters."""

    def change(**values):
        site = settings.WEBSTREET_SITE
        atoms = {**site.atoms, "newsletter": {**site.atoms["newsletter"], **values}}
        settings.WEBSTREET_SITE = site.model_copy(update={"atoms": atoms})

    return change


class Reader:
    """Somebody with a browser and a mailbox."""

    def __init__(self, smtp: RecordingSmtpServer) -> None:
        self.web = Client(HTTP_HOST="blog.example.com", enforce_csrf_checks=True)
        self.smtp = smtp

    def token(self, path: str = "/newsletter/subscribe/") -> str:
        page = self.web.get(path).content.decode()
        found = re.search(r'name="token" value="([^"]+)"', page)
        assert found, page
        return found.group(1)

    def sign_up(self, email: str, *, path: str = "/newsletter/subscribe/", token: str | None = None, **more: str):
        data = {"email": email, "token": self.token(path) if token is None else token, **more}
        return self.web.post(path, data)

    def link(self, email: str, word: str, *, nth: int = -1) -> str:
        """Path of the link with ``word`` in the text part of the reader's newest mail."""
        text = self.smtp.to(email)[nth].body("plain")
        found = re.search(rf"https://blog\.example\.com(/\S*{word}\S*)", text)
        assert found, text
        return found.group(1)


@pytest.fixture
def editor(db: None) -> Client:
    """The browser of one who may do everything in the admin."""
    from tests.atoms.newsletter.editors import client

    return client()


@pytest.fixture
def reader(smtp: RecordingSmtpServer) -> Reader:
    return Reader(smtp)
