"""A recording HTTP server that speaks the API of a mail provider, and misbehaves as told: the counterpart of `webstreet.testing.smtp`.

    with RecordingMailApi("mailgun") as api:
        ...send over EMAIL_URL=api.url...
        assert api.mails[0].recipient == "ann@example.org"

It speaks what Mailgun and Postmark document (a letter with the values of many recipients, and one message as JSON) and, when nothing goes
wrong, what Brevo, Mailjet and Resend do. What it records is each recipient's own mail, with the values put in.
"""

from __future__ import annotations

import base64
import json
import re
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self
from urllib.parse import parse_qs

Drop = Literal["", "before_body", "inside_body", "after_body", "inside_answer"]
Name = Literal["brevo", "mailgun", "mailjet", "postmark", "resend"]
KEY, DOMAIN = "canary-key-of-the-provider", "news.example.org"
_SLOT = re.compile(r"%recipient\.([^%]+)%")


@dataclass(frozen=True)
class ApiBehaviour:
    """How the server answers. The default accepts everything.

    Attributes:
        refused: address -> the provider's words; of a request for many, one refuses all, as Mailgun does.
        status: answered instead to every request, after ``after`` requests; nothing of it is recorded. ``headers``: of that answer.
        drop: close the connection without a word at that place; "after_body" and "inside_answer" record the mails first.
        silent: record the mails and answer nothing.
        after: let that many requests through first, then ``status``, ``drop``, ``silent`` or ``garbage``.
        garbage: answer 200 with what is no JSON, and record the mails.
        inactive: addresses that Postmark calls inactive.
        held: the answer waits while this says so of the recipients; the mails are recorded. Also before ``status``, of nobody then.
        drips: the answer comes a byte at a time, for some seconds.
    """

    refused: Mapping[str, str] = field(default_factory=dict)
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: Drop = ""
    silent: bool = False
    after: int = 0
    garbage: bool = False
    inactive: frozenset[str] = frozenset()
    held: Callable[[list[str]], bool] = lambda recipients: False
    drips: bool = False


@dataclass(frozen=True)
class ApiMail:
    """What one recipient gets. ``headers``: names in lower case. ``metadata``: what the provider would give back with events."""

    recipient: str
    to: str
    subject: str
    sender: str
    text: str
    html: str
    headers: Mapping[str, str]
    metadata: Mapping[str, str]
    provider_id: str


class RecordingMailApi:
    """Attributes:
    mails: in the order of arrival. ``calls``: how many recipients each request had. ``connections``: how many were opened.
    """

    def __init__(self, provider: Name, behaviour: ApiBehaviour | None = None, *, key: str = KEY) -> None:
        self.provider, self.key = provider, key
        self.behaviour = behaviour or ApiBehaviour()
        self.mails: list[ApiMail] = []
        self.calls: list[int] = []
        self.connections = 0
        self.lock = threading.Lock()
        self.ending = threading.Event()

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"api": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """As EMAIL_URL names it."""
        where = DOMAIN if self.provider == "mailgun" else ""
        key = f"{self.key}:secret" if self.provider == "mailjet" else self.key
        return f"{self.provider}://{key}@{where}?api=http://127.0.0.1:{self._server.server_address[1]}/"


class _Handler(BaseHTTPRequestHandler):
    api: RecordingMailApi
    protocol_version = "HTTP/1.1"
    timeout = 30

    def setup(self) -> None:
        super().setup()
        with self.api.lock:
            self.api.connections += 1

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        behaviour, size = self.api.behaviour, int(self.headers["Content-Length"])
        with self.api.lock:
            self.api.calls.append(0)
            number = len(self.api.calls)
        is_time = number > behaviour.after
        if is_time and behaviour.drop == "before_body":
            self._hang_up()
            return
        if is_time and behaviour.drop == "inside_body":
            self.rfile.read(min(size // 2, 1000))
            self._hang_up()
            return
        body = self.rfile.read(size)
        if len(body) < size:
            # Whoever asked was killed in the middle.
            self._hang_up()
            return
        if not self._is_known():
            self._answer(
                401,
                {"message": "Forbidden"}
                if self.api.provider == "mailgun"
                else {"ErrorCode": 10, "Message": "No token."},
            )
            return
        if is_time and behaviour.status:
            self._hold([])
            self._answer(
                behaviour.status, {"message": "Not now.", "Message": "Not now.", "ErrorCode": 100}, behaviour.headers
            )
            return
        mails = _READERS[self.api.provider](body, number)
        with self.api.lock:
            self.api.calls[number - 1] = len(mails)
        status, said = self._judged(mails)
        if status == 200:
            with self.api.lock:
                self.api.mails += mails
        self._hold([mail.recipient for mail in mails])
        if is_time and behaviour.drop == "after_body":
            self._hang_up()
        elif is_time and behaviour.silent:
            self.api.ending.wait(30)
            self._hang_up()
        else:
            self._answer(
                status, said, garbage=is_time and behaviour.garbage, cut=is_time and behaviour.drop == "inside_answer"
            )

    def _hold(self, recipients: list[str]) -> None:
        while self.api.behaviour.held(recipients) and not self.api.ending.wait(0.01):
            pass

    def _is_known(self) -> bool:
        """Whether path and key are right."""
        user, key = {"mailgun": ("api", self.api.key), "mailjet": (self.api.key, "secret")}.get(
            self.api.provider, ("", "")
        )
        basic = "Basic " + base64.b64encode(f"{user}:{key}".encode()).decode()
        path, header, value = {
            "brevo": ("/smtp/email", "api-key", self.api.key),
            "mailgun": (f"/{DOMAIN}/messages", "Authorization", basic),
            "mailjet": ("/send", "Authorization", basic),
            "postmark": ("/email", "X-Postmark-Server-Token", self.api.key),
            "resend": ("/emails", "Authorization", f"Bearer {self.api.key}"),
        }[self.api.provider]
        return self.path == path and self.headers.get(header) == value

    def _judged(self, mails: list[ApiMail]) -> tuple[int, Any]:
        behaviour = self.api.behaviour
        words = next((behaviour.refused[mail.recipient] for mail in mails if mail.recipient in behaviour.refused), "")
        if self.api.provider == "mailgun":
            return (
                (400, {"message": words})
                if words
                else (200, {"id": mails[0].provider_id, "message": "Queued. Thank you."})
            )
        mail = mails[0]
        if self.api.provider != "postmark":
            sent = {"Status": "success", "To": [{"Email": mail.recipient, "MessageID": 1}]}
            return 200, {"messageId": mail.provider_id, "id": mail.provider_id, "Messages": [sent]}
        if mail.recipient in behaviour.inactive:
            text = (
                "You tried to send to a recipient that has been marked as inactive.\n"
                f"Found inactive addresses: {mail.recipient}.\nInactive recipients are ones that have generated a hard bounce."
            )
            return 422, {"ErrorCode": 406, "Message": text}
        if any(len(name) > 20 or len(value) > 80 for name, value in mail.metadata.items()):
            return 422, {"ErrorCode": 300, "Message": "Metadata: names of at most 20 characters, values of at most 80."}
        if words:
            return 422, {"ErrorCode": 300, "Message": words}
        return 200, {"ErrorCode": 0, "Message": "OK", "MessageID": mail.provider_id, "To": mail.to}

    def _answer(
        self,
        status: int,
        said: Any,
        headers: Mapping[str, str] | None = None,
        *,
        garbage: bool = False,
        cut: bool = False,
    ) -> None:
        drips = self.api.behaviour.drips
        body = b"<html>what?</html>" if garbage else b" " * 60 * drips + json.dumps(said).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        while drips and body.startswith(b" ") and not self.api.ending.wait(0.05):
            self.wfile.write(body[:1])
            body = body[1:]
        self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        try:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def _of_mailgun(body: bytes, number: int) -> list[ApiMail]:
    fields = parse_qs(body.decode(), keep_blank_values=True)
    variables = json.loads(fields.get("recipient-variables", ["{}"])[0])
    made = []
    for to in fields["to"]:
        address = parseaddr(to)[1]
        own = variables.get(address, {})

        def put(text: str, own: Mapping[str, str] = own) -> str:
            return _SLOT.sub(lambda found: str(own.get(found.group(1), found.group())), text)

        headers = {name[2:].lower(): put(values[0]) for name, values in fields.items() if name.startswith("h:")}
        metadata = {name[2:]: put(values[0]) for name, values in fields.items() if name.startswith("v:")}
        text, html, subject = (put(fields.get(name, [""])[0]) for name in ("text", "html", "subject"))
        made.append(
            ApiMail(
                address, to, subject, fields["from"][0], text, html, headers, metadata, f"<{number}@mailgun.example>"
            )
        )
    return made


def _of_postmark(body: bytes, number: int) -> list[ApiMail]:
    said = json.loads(body)
    headers = {each["Name"].lower(): each["Value"] for each in said.get("Headers", [])}
    to = said["To"]
    return [
        ApiMail(
            parseaddr(to)[1], to, said["Subject"], said["From"], said.get("TextBody", ""), said.get("HtmlBody", ""), headers,
            said.get("Metadata", {}), f"00000000-0000-0000-0000-{number:012}",
        )
    ]  # fmt: skip


def _of_brevo(body: bytes, number: int) -> list[ApiMail]:
    said = json.loads(body)
    headers = {name.lower(): value for name, value in said["headers"].items()}
    metadata = json.loads(headers.pop("x-mailin-custom", "{}"))
    to, sender = said["to"][0]["email"], said["sender"]["name"]
    return [
        ApiMail(
            to, to, said["subject"], sender, said["textContent"], said["htmlContent"], headers, metadata, f"<{number}@brevo.example>"
        )
    ]  # fmt: skip


def _of_mailjet(body: bytes, number: int) -> list[ApiMail]:
    said = json.loads(body)
    shared, (to,) = said["Globals"], said["Messages"][0]["To"]
    headers = {name.lower(): value for name, value in shared["Headers"].items()}
    return [
        ApiMail(
            to["Email"], to["Email"], shared["Subject"], shared["From"]["Name"], shared["TextPart"], shared["HTMLPart"], headers,
            json.loads(shared.get("EventPayload", "{}")), str(number),
        )
    ]  # fmt: skip


def _of_resend(body: bytes, number: int) -> list[ApiMail]:
    said = json.loads(body)
    headers = {name.lower(): value for name, value in said["headers"].items()}
    metadata = json.loads(headers.pop("x-metadata", "{}"))
    (to,) = said["to"]
    return [
        ApiMail(
            parseaddr(to)[1],
            to,
            said["subject"],
            said["from"],
            said["text"],
            said["html"],
            headers,
            metadata,
            str(number),
        )
    ]


_READERS: Mapping[str, Callable[[bytes, int], list[ApiMail]]] = {
    "brevo": _of_brevo,
    "mailgun": _of_mailgun,
    "mailjet": _of_mailjet,
    "postmark": _of_postmark,
    "resend": _of_resend,
}
