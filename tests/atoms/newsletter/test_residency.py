"""The residency canary: an address that goes through everything leaves no trace outside the newsletter's own database."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import socket
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from tests.lab import prototypes
from webstreet.atoms.newsletter import events_webhook
from webstreet.kernel.secret import Secret
from webstreet.testing.smtp import Behaviour

EMAIL = "canary-7f3k9q@private-zx81.example"
OTHER = "second-7f3k9q@private-zx81.example"
NAME = "Zebulon Quirinal"
IP = "203.0.113.99"
PASSWORD = "editor-password-1"
EVENTS_SECRET = "signs-what-a-provider-tells"


def needles() -> dict[str, bytes]:
    """What must not be found, by what it is."""
    found = {
        "name": NAME.encode(),
        "surname": b"Quirinal",
        "ip": IP.encode(),
        "unique part": b"7f3k9q",
        "domain": b"private-zx81",
    }
    for email in (EMAIL, OTHER):
        raw = email.encode()
        found |= {f"{h} of {email}": hashlib.new(h, raw).hexdigest().encode() for h in ("sha256", "md5", "sha1")}
        found[f"base64 of {email}"] = base64.b64encode(raw)[:-4]
        found[f"urlsafe base64 of {email}"] = base64.urlsafe_b64encode(raw)[:-4]
        found[f"quoted {email}"] = quote(email, safe="").encode()
    return found


def leaks(where: str, content: bytes, tokens: Iterable[str] = ()) -> list[str]:
    """``tokens``: what lets whoever has it in, from the links of mails."""
    lowered = content.lower()
    wanted = needles() | {f"token {token[:4]}...": token.encode() for token in tokens}
    return [f"{what} in {where}" for what, needle in wanted.items() if needle.lower() in lowered]


def files_below(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Path inside the folder, content."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield str(path.relative_to(folder)), path.read_bytes()


def tables_of(url: str) -> Iterator[tuple[str, bytes]]:
    """Every table's name and rows, of a database on a server."""
    import psycopg

    if urlsplit(url).scheme == "mysql":
        yield from tables_of_mysql(url)
        return
    with psycopg.connect(url) as connection:
        names = connection.execute("SELECT schemaname, tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for schema, table in names:
            with connection.cursor().copy(f'COPY "{schema}"."{table}" TO STDOUT') as copy:
                yield table, b"".join(bytes(part) for part in copy)


def tables_of_mysql(url: str) -> Iterator[tuple[str, bytes]]:
    import pymysql

    parts = urlsplit(url)
    with (
        contextlib.closing(
            pymysql.connect(host=parts.hostname, port=parts.port, user=parts.username, database=parts.path[1:])
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SHOW TABLES")
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT * FROM `{table}`")  # noqa: S608
            values = [value for row in cursor.fetchall() for value in row]
            yield table, b"\n".join(v if isinstance(v, bytes) else str(v).encode() for v in values)


READERS: dict[bytes, Callable[[Any, bytes], list[bytes]]] = {
    b"string": lambda redis, key: [redis.get(key)],
    b"hash": lambda redis, key: [part for pair in redis.hgetall(key).items() for part in pair],
    b"list": lambda redis, key: redis.lrange(key, 0, -1),
    b"set": lambda redis, key: list(redis.smembers(key)),
    b"zset": lambda redis, key: redis.zrange(key, 0, -1),
    b"stream": lambda redis, key: [part for _, f in redis.xrange(key) for pair in f.items() for part in pair],
    # Expired since the scan.
    b"none": lambda redis, key: [],
}


def keys_of(url: str) -> Iterator[tuple[str, bytes]]:
    """Every key and value; a type that we cannot read is an error, not an empty value."""
    import redis

    with redis.Redis.from_url(url) as connection:
        for key in connection.scan_iter("*"):
            yield f"key {key!r}", key
            for value in READERS[connection.type(key)](connection, key):
                for form in unpacked(value or b""):
                    yield f"value of {key!r}", form


def unpacked(value: bytes) -> Iterator[bytes]:
    """The value as it is, and what is inside: RQ keeps arguments zlib-packed, results and tracebacks in base64 of that."""
    yield value
    packed = [value]
    with contextlib.suppress(ValueError):
        packed.append(base64.b64decode(value, validate=True))
        yield packed[-1]
    for content in packed:
        with contextlib.suppress(zlib.error):
            yield zlib.decompress(content)


class Journey:
    """One reader and one editor, against a real site."""

    def __init__(self, site, smtp, port: int, wait_until) -> None:
        self.site, self.smtp, self.wait = site, smtp, wait_until
        self.tokens: set[str] = set()
        self.web = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", follow_redirects=True, timeout=60, headers={"X-Forwarded-For": IP}
        )

    def token(self) -> str:
        return re.search(r'name="token" value="([^"]+)"', self.web.get("/newsletter/subscribe/").text).group(1)

    def reader(self) -> None:
        assert self.web.post("/newsletter/subscribe/", data={"email": EMAIL, "token": self.token()}).status_code == 200
        api = self.web.post("/api/newsletter/subscriptions", json={"email": OTHER, "name": NAME, "token": self.token()})
        assert api.status_code == 202
        for email in (EMAIL, OTHER):
            self.wait(lambda email=email: self.smtp.to(email), seconds=60, what="a confirmation mail")
            link = self.link(self.smtp.to(email)[0].body("plain"), "confirm")
            assert self.web.get(link).status_code == 200
            assert self.web.post(link).status_code == 200
            self.wait(lambda email=email: len(self.smtp.to(email)) == 2, seconds=60, what="a welcome mail")

    def link(self, text: str, verb: str) -> str:
        """The path of the link in a mail; its token is remembered."""
        path, token = re.search(rf"http://127\.0\.0\.1:8000(/\S*{verb}/([^/\s]+)/)", text).groups()
        self.tokens.add(token)
        return path

    def links_that_fail(self) -> None:
        """Whoever follows a link while the database is broken has it in an error's path."""
        links = [self.link(self.smtp.to(EMAIL)[0].body("plain"), "confirm")]
        links.append(self.link(self.smtp.to(EMAIL)[2].body("plain"), "unsubscribe"))
        tables = ("token", "subscriber")
        rename = (
            "from django.db import connections as c; c['newsletter'].cursor().execute('ALTER TABLE {} RENAME TO {}')"
        )
        for table in tables:
            self.site.python(rename.format(f"newsletter_{table}", f"hidden_{table}"))
        for link in links:
            assert self.web.get(link).status_code in (500, 503)
            assert self.web.get(f"{link}nowhere/").status_code == 404
        for table in tables:
            self.site.python(rename.format(f"hidden_{table}", f"newsletter_{table}"))

    def mistakes(self) -> None:
        assert (
            self.web.post("/newsletter/subscribe/", data={"email": f"{EMAIL}\r\nx", "token": self.token()}).status_code
            == 422
        )
        assert self.web.get(f"/nothing-here/{EMAIL}/?email={EMAIL}").status_code == 404
        assert self.web.get(f"/search/?q={EMAIL}").status_code == 200
        self.site.python(
            "from django.db import connections as c; c['newsletter'].cursor().execute('ALTER TABLE newsletter_signup RENAME TO gone')"
        )
        assert self.web.post("/newsletter/subscribe/", data={"email": EMAIL, "token": self.token()}).status_code in (
            500,
            503,
        )
        self.site.python(
            "from django.db import connections as c; c['newsletter'].cursor().execute('ALTER TABLE gone RENAME TO newsletter_signup')"
        )

    def failing_task(self) -> None:
        """A worker meets an exception whose text names the address."""
        rename = "from django.db import connections as c; c['newsletter'].cursor().execute('ALTER TABLE newsletter_{} RENAME TO {}{}')"
        self.site.python(rename.format("notice", "", "hidden"))
        data = {"email": f"third-{EMAIL}", "token": self.token()}
        assert self.web.post("/newsletter/subscribe/", data=data).status_code == 200
        self.wait(
            lambda: "task.failed" in self.site.log() or "TaskFailed" in self.site.log(),
            seconds=60,
            what="a failed task",
        )
        self.site.python(
            "from django.db import connections as c; c['newsletter'].cursor().execute('ALTER TABLE hidden RENAME TO newsletter_notice')"
        )

    def issue(self) -> None:
        self.smtp.behaviour = Behaviour(recipients={OTHER: f"550 5.1.1 <{OTHER}> unknown"})
        self.site.python(ISSUE)
        self.wait(lambda: len(self.smtp.to(EMAIL)) == 3, seconds=60, what="the issue's mail")
        self.wait(lambda: self.site.python(FAILED) == "1", seconds=60, what="the failure in the ledger")

    def choices(self) -> None:
        """Preferences, a change of address, and what is kept."""
        page = self.link(self.smtp.to(EMAIL)[1].body("plain"), "preferences")
        assert EMAIL in self.web.get(page).text
        assert NAME in self.web.post(page, data={"action": "save", "name": NAME, "language": "en"}).text
        moved = f"moved-{EMAIL}"
        assert self.web.post(page, data={"action": "address", "email": moved}).status_code == 200
        self.wait(lambda: self.smtp.to(moved), seconds=60, what="the mail to the new address")
        assert self.web.get(self.link(self.smtp.to(moved)[0].body("plain"), "address")).status_code == 200
        asked = self.web.post("/newsletter/my-data/", data={"email": EMAIL, "token": self.token()})
        assert asked.status_code == 200
        self.wait(lambda: len(self.smtp.to(EMAIL)) == 4, seconds=60, what="the link to the data")
        data = self.link(self.smtp.to(EMAIL)[3].body("plain"), "my-data")
        for action in ("show", "json"):
            assert EMAIL in self.web.post(data, data={"action": action}).text

    def events(self) -> None:
        """What a provider posts, well signed and not, of this site's mails and of others."""
        told = [
            {"id": "1", "kind": "delivered", "recipient": EMAIL, "reply": f"250 <{EMAIL}> ok"},
            {"id": "2", "kind": "complaint", "recipient": OTHER, "reply": NAME},
            {"id": "3", "kind": "bounce", "recipient": f"nobody-{EMAIL}", "code": "550 5.1.1"},
        ]
        good, broken = json.dumps({"events": told}).encode(), json.dumps({"events": [EMAIL]}).encode()
        for body, secret, wanted in ((good, EVENTS_SECRET, 200), (broken, EVENTS_SECRET, 422), (good, "x" * 30, 403)):
            headers = {"Webstreet-Signature": events_webhook.sign(body, Secret(secret), time.time())}
            answer = self.web.post("/api/newsletter/events", content=body, headers=headers)
            assert answer.status_code == wanted
        suppressed = "from webstreet.atoms.newsletter.models import Suppression as S; print(S.objects.get().reason)"
        assert self.site.python(suppressed) == "complaint"

    def editor(self) -> None:
        # From elsewhere: that and from where editors log in is written down, and is no reader's business.
        self.web.headers["X-Forwarded-For"] = "198.51.100.7"
        self.site.python(
            f"from django.contrib.auth import get_user_model as g; g().objects.create_superuser('editor', 'e@example.com', '{PASSWORD}')"
        )
        self._post("/admin/login/", {"username": "editor", "password": PASSWORD})
        pk = self.site.python(
            f"from webstreet.atoms.newsletter.models import Subscriber as S; print(S.objects.get(email='{EMAIL}').pk)"
        )
        base = "/admin/newsletter/subscribers"
        assert EMAIL in self.web.get(f"{base}/?q={EMAIL}").text
        assert EMAIL in self.web.get(f"{base}/export/?q={EMAIL}").text
        assert self._post(f"{base}/{pk}/", {"email": EMAIL, "name": NAME, "language": "en"}).status_code == 200
        assert self._post(f"{base}/add/", {"email": EMAIL, "name": NAME, "language": "en"}).status_code == 422
        issue = "/admin/newsletter/issues/1"
        assert self.web.get(f"{issue}/").status_code == 200
        assert OTHER in self.web.get(f"{issue}/recipients/?state=failed").text
        for path in ("", "export/", "?q=" + OTHER):
            assert OTHER in self.web.get(f"/admin/newsletter/suppressed/{path}").text
        assert OTHER in self.web.get(f"{issue}/recipients/csv/").text
        tester = f"tester-{EMAIL}"
        self._post(f"{issue}/test/", {"addresses": tester}, form=f"{issue}/mail/")
        self.wait(lambda: self.smtp.to(tester), seconds=60, what="the test mail")
        many = {"verb": "unsubscribe", "scope": "all", "filters": f"q={OTHER}", "count": "1"}
        assert self._post(f"{base}/many/", many, form=f"{base}/?q={OTHER}").status_code == 200
        self.wait(lambda: self.site.python(UNSUBSCRIBED) == "1", seconds=60, what="the action on many")
        assert self.web.get("/admin/?growth=months").status_code == 200
        assert self.web.get("/admin/reports/site-history/").status_code == 200
        self._post(f"{base}/{pk}/unsubscribe/", {}, form=f"{base}/{pk}/")
        self._post(f"{base}/{pk}/remove/", {})

    def _post(self, path: str, data: dict[str, str], *, form: str = "") -> httpx.Response:
        page = self.web.get(form or path).text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page).group(1)
        return self.web.post(path, data={**data, "csrfmiddlewaretoken": token})


ISSUE = """
import uuid
from django.utils import timezone
from webstreet.atoms.newsletter.models import Issue, MailingList
Issue.objects.create(article_uuid=uuid.uuid4(), mailing_list=MailingList.main(), subject="Issue", language="en",
    started_at=timezone.now(), html="<p>Hello <a href='\\ue000unsubscribe\\ue001'>x</a></p>", text="Hello \\ue000unsubscribe\\ue001")
"""
UNSUBSCRIBED = "from webstreet.atoms.newsletter.models import BulkJob; print(BulkJob.objects.filter(finished_at__isnull=False).count())"
FAILED = (
    "from webstreet.atoms.newsletter.models import Delivery; print(Delivery.objects.filter(state='failed').count())"
)


PAIRS = (
    "sqlite-sqlite-rows",
    "postgresql-postgresql-redis",
    "sqlite-mariadb-rows",
    "postgresql-mariadb-redis",
    "mariadb-postgresql-rows",
)
"""Where the site lives, where its newsletter does, and the queue: rows of the site's database, or Redis."""


def urls_of(stores, elsewhere, request) -> dict[str, str]:
    """The site's stores, with those of the newsletter apart from the rest."""
    rest, atom, queue = stores.split("-")
    found = {"NEWSLETTER_DATABASE_URL": f"sqlite:///{elsewhere}/newsletter.sqlite3"}
    for alias, kind in (("default", rest), ("newsletter", atom)):
        if kind != "sqlite":
            server = request.getfixturevalue({"postgresql": "lab_postgres", "mariadb": "lab_mariadb"}[kind])
            found[prototypes.URLS[alias]] = prototypes.filled(server.database(f"canary_{alias}_{rest}_{atom}"), alias)
    return found | ({"REDIS_URL": request.getfixturevalue("redis_url")} if queue == "redis" else {})


def begin(site, smtp, wait_until) -> Journey:
    """Server and worker of a site whose newsletter lives at the client."""
    site.manifest.write_text(site.manifest.read_text() + "residency:\n  newsletter: client\n", "utf-8")
    assert site.run("prepare", timeout=200).returncode == 0
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    site.start("serve", "--host", "127.0.0.1", "--port", str(port))
    site.start("work")
    journey = Journey(site, smtp, port, wait_until)

    def answers() -> bool:
        try:
            return journey.web.get("/-/live").status_code == 200
        except httpx.HTTPError:
            return False

    wait_until(answers, seconds=60, what="the site answers")
    return journey


def stopped(site) -> None:
    for process in site.started:
        process.terminate()
        process.wait(30)


@pytest.mark.timeout(900)
@pytest.mark.requirement("H4")
@pytest.mark.parametrize("stores", PAIRS)
def test_the_canary_leaves_no_trace(stores, site_processes, smtp, wait_until, request, tmp_path):
    elsewhere = tmp_path / "client"
    elsewhere.mkdir()
    variables = urls_of(stores, elsewhere, request)
    site = site_processes(
        EMAIL_URL=smtp.url,
        TRUSTED_PROXIES="127.0.0.1/32",
        SECRET_KEY="k" * 64,
        EVENTS_SECRET=EVENTS_SECRET,
        **variables,
    )
    journey = begin(site, smtp, wait_until)
    journey.reader()
    journey.mistakes()
    journey.failing_task()
    journey.issue()
    journey.events()
    journey.links_that_fail()
    journey.choices()
    journey.editor()
    backup = site.run("backup", str(site.folder / "backup"))
    assert backup.returncode == 0, backup.stderr
    stopped(site)
    files = dict(files_below(site.folder))
    assert {"log-0", "log-1"} <= set(files)
    assert all(len(files[name]) > 200 for name in ("log-0", "log-1")), "server and worker have written something"
    assert b"/newsletter/confirm/<token>/" in files["log-0"], "the links that failed were logged, without their tokens"
    assert any(name.startswith("backup/") for name in files)
    places = list(files.items())
    if url := variables.get("DATABASE_URL"):
        tables = list(tables_of(url))
        assert tables
        places += tables
    else:
        assert "data/site.sqlite3" in files
    if url := variables.get("REDIS_URL"):
        keys = list(keys_of(url))
        assert keys
        places += keys
    inside = variables["NEWSLETTER_DATABASE_URL"]
    own = files_below(elsewhere) if inside.startswith("sqlite") else tables_of(inside)
    kept = b"".join(content for _, content in own)
    assert len(journey.tokens) == 6, (
        "two confirmations, one link each to unsubscribe, preferences, a new address, one's data"
    )
    found = [leak for where, content in places for leak in leaks(where, content, journey.tokens)]
    assert found == []
    assert OTHER.encode() in kept, "the search finds what is there: the address lies in the atom's own database"
    assert NAME.encode() in kept


def test_the_search_finds_each_needle():
    """The canary proves nothing if it cannot sing."""
    for what, needle in needles().items():
        assert leaks("x", b"before " + needle + b" after"), what
    assert json.dumps(leaks("x", EMAIL.upper().encode()))


def test_the_search_looks_into_every_kind_of_value(redis_url):
    import redis

    raw = EMAIL.encode()
    with redis.Redis.from_url(redis_url) as connection:
        connection.set("string", zlib.compress(raw))
        connection.hset("hash", raw, "x")
        connection.rpush("list", raw)
        connection.sadd("set", raw)
        connection.zadd("zset", {raw: 1})
        connection.xadd("stream", {"traceback": base64.b64encode(zlib.compress(raw))})
    found = {where for where, content in keys_of(redis_url) if leaks(where, content)}
    assert found == {f"value of {name!r}" for name in (b"string", b"hash", b"list", b"set", b"zset", b"stream")}


def test_no_key_leads_out_of_the_atom():
    from django.apps import apps
    from django.conf import settings
    from django.db import models

    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.get_fields():
            if isinstance(field, models.ForeignKey | models.ManyToManyField | models.OneToOneField):
                ends = {model._meta.app_label, field.related_model._meta.app_label}
                assert len(ends) == 1 or not ends & settings.WEBSTREET_SENSITIVE, field
    for model in apps.get_app_config("newsletter").get_models():
        assert model.wagtail_reference_index_ignore
        assert str(model(pk=5)) == f"{model.__name__} 5"
