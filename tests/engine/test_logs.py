"""No address, query string or exception text gets into a log, whatever logger it comes from."""

from __future__ import annotations

import io
import json
import logging

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


def test_a_real_server_logs_no_address(site_processes, wait_until):
    """A 500 and a 404 with an address in path, query and form, through granian."""
    import http.client
    import socket

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
    assert ask("GET", f"/x/{CANARY}/?email={CANARY}") == 404
    assert ask("POST", f"/-/login/{CANARY}/", f"email={CANARY}") == 403
    assert ask("GET", "/admin/login/?next=" + CANARY) == 200
    assert "canary" not in site.log()
