"""No address, query string or exception text gets into a log, whatever logger it comes from."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import logging
import socket
import sqlite3
from importlib import import_module

import pytest

from webstreet.engine.logs import JsonFormatter, PlainFormatter, PrivacyFilter, masked

CANARY = "canary.person@example.org"


@pytest.fixture(params=[PlainFormatter, JsonFormatter])
def log(request):
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(PrivacyFilter())
    handler.setFormatter(request.param())
    logger = logging.getLogger("tests.privacy")
    logger.addHandler(handler)
    logger.propagate = False
    yield logger, stream
    logger.removeHandler(handler)
    logger.propagate = True


def _fail():
    password = "correct horse"  # noqa: F841 a local that must not be shown
    try:
        raise KeyError(CANARY)
    except KeyError as error:
        raise ValueError(f"Key (email)=({CANARY}) already exists") from error


def test_messages_arguments_extras_and_exceptions(log, rf):
    logger, stream = log
    logger.warning("mail to %s failed", CANARY)
    logger.warning("Not Found: /confirm/%s", CANARY.replace("@", "%40"))
    logger.warning("GET /search/?q=%s HTTP/1.1", "secret")
    logger.warning(
        "extra", extra={"request": rf.post("/", {"email": CANARY}), "who": CANARY, "values": [CANARY], "n": 3}
    )
    try:
        _fail()
    except ValueError:
        logger.exception("it failed for %s", CANARY)
    text = stream.getvalue()
    assert "canary" not in text
    assert "secret" not in text
    assert "correct horse" not in text
    assert "ValueError" in text
    assert "_fail" in text
    assert "test_logs.py" in text
    assert len(text) > 200


def test_a_record_that_cannot_be_formatted_is_still_logged(log):
    logger, stream = log
    logger.warning("%d things", "no number")
    assert "things" in stream.getvalue()


def test_json_is_one_object_a_line():
    record = logging.makeLogRecord(
        {"name": "a", "msg": "two\nlines %s", "args": (1,), "levelname": "INFO", "task": "x"}
    )
    PrivacyFilter().filter(record)
    entry = json.loads(JsonFormatter().format(record))
    assert entry["message"] == "two\nlines 1"
    assert entry["task"] == "x"
    assert "\n" not in JsonFormatter().format(record)


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/-/login/s3cr_t-x/", "/-/login/<token>/"),
        ("https://blog.example.com/newsletter/undo/s3cr_t:x:y/", "https://blog.example.com/newsletter/undo/<token>/"),
        ("/fr/newsletter/confirm/s3cr_t", "/fr/newsletter/confirm/<token>"),
        ("'/newsletter/unsubscribe/s3cr_t/?a=b'", "/newsletter/unsubscribe/<token>/"),
        ("/admin/password_reset/confirm/MQ/s3cr_t-x/", "/admin/password_reset/confirm/MQ/<token>/"),
    ],
)
def test_what_lets_in_whoever_has_it_is_masked_in_every_address(log, path, kept):
    import_module("webstreet.engine.urls")
    logger, stream = log
    logger.warning("Forbidden (%s): %s", "CSRF cookie not set.", path)
    logger.warning(f"Service Unavailable: {path}", extra={"path": path})
    assert stream.getvalue().count(kept) == 3
    assert "s3cr_t" not in stream.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "a@b.example",
        "<a.b+c@example.org>",
        "mailto:x@example.org",
        "x%40example.org",
        "(é@example.org)",
        "o'neil@example.org",
    ],
)
def test_every_spelling_of_an_address_is_masked(text):
    assert "example" not in masked(f"to {text}, at 12:00")
    assert masked(f"to {text}, at 12:00").startswith("to ")


def test_every_configured_handler_has_the_filter():
    from django.conf import settings

    for handler in settings.LOGGING["handlers"].values():
        assert "privacy" in handler["filters"]
    for logger in settings.LOGGING["loggers"].values():
        assert not logger.get("handlers")
        assert logger.get("propagate", True)


@pytest.fixture
def served(site_processes, wait_until):
    """A site behind granian, and a function that asks it: (method, path, form) -> status, 0 for no answer."""
    site = site_processes()
    site.documents("prepare")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    site.start("serve", "--port", str(port))

    def ask(method: str, path: str, body: str = "") -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            connection.request(method, path, body, headers)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    wait_until(lambda: ask("GET", "/-/ready") == 200, what="readiness")
    return site, ask


def test_a_real_server_logs_no_address(served):
    """Errors with an address in path, query and form."""
    site, ask = served
    assert ask("GET", f"/x/{CANARY}/?email={CANARY}") == 404
    assert ask("POST", f"/-/login/{CANARY}/", f"email={CANARY}") == 403
    assert ask("GET", "/admin/login/?next=" + CANARY) == 200
    assert "canary" not in site.log()


def test_a_real_server_logs_no_token(served):
    """A form without its cookie, and what broke: the link in the log must not be one that still works."""
    site, ask = served
    token = site.documents("login-link")[-1]["path"].strip("/").rpartition("/")[2]
    assert ask("POST", f"/-/login/{token}/") == 403
    with contextlib.closing(sqlite3.connect(site.data / "site.sqlite3", timeout=10)) as database:
        database.execute("ALTER TABLE engine_logintoken RENAME TO away")
    assert ask("GET", f"/-/login/{token}/") == 500
    log = site.log()
    assert "Forbidden (CSRF cookie not set.): /-/login/<token>/" in log
    assert "Internal Server Error: /-/login/<token>/" in log
    assert token not in log
