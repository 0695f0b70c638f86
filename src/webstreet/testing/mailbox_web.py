"""The page of the mailbox: list, one mail (HTML in a sandboxed frame, text, headers, source), JSON, live updates.

Nothing in a mail is trusted: everything is escaped, the HTML part is a document of its own without scripts, plug-ins or forms,
and the Content-Security-Policy of every answer allows only our own style sheet and script.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import threading
from collections.abc import Callable
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from string import Template
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, unquote, urlsplit

if TYPE_CHECKING:
    from webstreet.testing.mailbox import Mail, Mailbox

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
FRAME_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data: http://127.0.0.1:* http://localhost:*;"
    " frame-ancestors 'self'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
)
LINK = re.compile(r"https?://[^\s<>\"'\]]+[^\s<>\"'\].,;:!?)]")
VIEWS = ("html", "text", "headers", "source")
EVENT_PAUSE_S = 15.0


def asset(name: str) -> str:
    return (resources.files("webstreet.testing") / "mailbox_page" / name).read_text("utf-8")


def row(mail: Mail, *, chosen: bool = False) -> str:
    """One mail of the list."""
    current = ' aria-current="page"' if chosen else ""
    to = ", ".join(mail.recipients)
    return (
        f'<li data-number="{mail.number}"><a href="/messages/{mail.number}"{current}>'
        f'<span class="to">{escape(to)}</span>{moment(mail.received_at)}'
        f'<span class="subject">{escape(mail.subject) or "<em>No subject</em>"}</span>'
        f'<span class="start">{escape(preview(mail))}</span></a></li>'
    )


def preview(mail: Mail) -> str:
    text = mail.text or re.sub(r"<(style|title)[\s\S]*?</\1>|<[^>]+>", " ", mail.html)
    return " ".join(text.split())[:140]


def moment(when: dt.datetime) -> str:
    exact = when.strftime("%Y-%m-%d %H:%M:%S UTC")
    return f'<time datetime="{when.isoformat()}" title="{exact}">{when.strftime("%H:%M:%S")}</time>'


def listing(mailbox: Mailbox, chosen: int = 0) -> str:
    return "".join(row(mail, chosen=mail.number == chosen) for mail in reversed(mailbox.mails()))


def linked(text: str) -> str:
    """Escaped text in which addresses can be followed."""
    parts, end = [], 0
    for match in LINK.finditer(text):
        address = escape(match.group())
        parts += [
            escape(text[end : match.start()]),
            f'<a href="{address}" target="_blank" rel="noreferrer">{address}</a>',
        ]
        end = match.end()
    return "".join([*parts, escape(text[end:])])


def opened(mail: Mail, view: str) -> str:
    """The right-hand side: one mail in one of its views."""
    have = [name for name in VIEWS if name not in ("html", "text") or getattr(mail, name)]
    view = view if view in have else have[0]
    tabs = "".join(
        f'<a href="/messages/{mail.number}?view={name}"{" aria-current=page" if name == view else ""}>'
        f"{ {'html': 'Mail', 'text': 'Text', 'headers': 'Headers', 'source': 'Source'}[name] }</a>"
        for name in have
    )
    unsubscribe = ""
    if address := mail.unsubscribe_url:
        kind = "one click" if mail.header("List-Unsubscribe-Post") else "by a page"
        unsubscribe = (
            f'<dt>Unsubscribe</dt><dd><a href="{escape(address)}" target="_blank" rel="noreferrer">'
            f"{escape(address)}</a> <small>({kind})</small></dd>"
        )
    return Template(asset("mail.html")).substitute(
        subject=escape(mail.subject) or "<em>No subject</em>",
        sender=escape(mail.header("From") or mail.sender),
        recipients=escape(", ".join(mail.recipients)),
        moment=moment(mail.received_at),
        unsubscribe=unsubscribe,
        tabs=tabs,
        view=view,
        size=f"{len(mail.raw) / 1000:.1f} kB",
        body=_view(mail, view),
    )


def _view(mail: Mail, view: str) -> str:
    if view == "html":
        return (
            f'<iframe src="/messages/{mail.number}/html" title="The mail as sent"'
            ' sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox"></iframe>'
        )
    if view == "text":
        return f'<pre class="text" tabindex="0">{linked(mail.text)}</pre>'
    if view == "headers":
        rows = "".join(f"<tr><th scope=row>{escape(n)}</th><td>{linked(v)}</td></tr>" for n, v in mail.headers)
        return f'<table class="headers">{rows}</table>'
    return f'<pre class="source" tabindex="0">{escape(mail.raw.decode("utf-8", "replace"))}</pre>'


def frame(mail: Mail) -> str:
    """The HTML part, links opening in a new tab, embedded pictures served by us."""
    html = re.sub(r"cid:([^\"'\s)>]+)", lambda m: f"/messages/{mail.number}/parts/{quote(m.group(1))}", mail.html)
    base = '<base target="_blank">'
    with_base, found = re.subn(r"(<head[^>]*>)", rf"\1{base}", html, count=1, flags=re.IGNORECASE)
    return with_base if found else base + html


def page(mailbox: Mailbox, mail: Mail | None = None, view: str = "") -> str:
    mails = mailbox.mails()
    return Template(asset("page.html")).substitute(
        title=escape(f"{mail.subject} · Mailbox" if mail else "Mailbox"),
        shown="mail" if mail else "list",
        newest=mails[-1].number if mails else 0,
        count="1 mail" if len(mails) == 1 else f"{len(mails)} mails",
        empty="" if mails else "empty",
        smtp=escape(f"{mailbox.host}:{mailbox.smtp_port}"),
        rows=listing(mailbox, mail.number if mail else 0),
        main=opened(mail, view) if mail else asset("none.html"),
    )


class WebServer:
    """A listening HTTP server. ``port`` is the one it really has."""

    def __init__(self, mailbox: Mailbox, host: str, port: int) -> None:
        handler = type("Handler", (_Handler,), {"mailbox": mailbox})
        ThreadingHTTPServer.daemon_threads = True
        self._http = ThreadingHTTPServer((host, port), handler)
        self._http.block_on_close = False
        self.port: int = self._http.server_address[1]
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.1,), name="mailbox-web", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)


def start_web(mailbox: Mailbox, host: str, port: int) -> WebServer:
    """Listen, and serve from a thread. Raises OSError if the port is taken."""
    return WebServer(mailbox, host, port)


class _Handler(BaseHTTPRequestHandler):
    mailbox: Mailbox
    protocol_version = "HTTP/1.1"
    server_version = "WebstreetMailbox"
    sys_version = ""

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the terminal belongs to whoever started us."""

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        for pattern, answer in ROUTES:
            if match := re.fullmatch(pattern, address.path):
                answer(self, query, *match.groups())
                return
        self._missing()

    do_HEAD = do_GET

    def do_POST(self) -> None:
        self.rfile.read(min(int(self.headers.get("Content-Length") or 0), 65536))
        # A page elsewhere must not be able to empty the mailbox: browsers say where a POST comes from.
        if self.path != "/clear" or self.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            self._missing()
            return
        self.mailbox.clear()
        self.send_response(HTTPStatus.SEE_OTHER)
        self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, body: str | bytes, kind: str, *, policy: str = PAGE_POLICY, status: int = 200) -> None:
        data = body.encode("utf-8", "replace") if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Security-Policy", policy)
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _missing(self) -> None:
        self._send("There is no such mail here. The list is at /\n", "text/plain; charset=utf-8", status=404)

    def _with(self, number: str, answer: Callable[[Mail], None]) -> None:
        mail = self.mailbox.find(int(number))
        if mail is None:
            self._missing()
        else:
            answer(mail)

    def home(self, query: dict[str, str]) -> None:
        self._send(page(self.mailbox), "text/html; charset=utf-8")

    def one(self, query: dict[str, str], number: str) -> None:
        view = query.get("view", "")
        self._with(number, lambda mail: self._send(page(self.mailbox, mail, view), "text/html; charset=utf-8"))

    def html(self, query: dict[str, str], number: str) -> None:
        self._with(number, lambda mail: self._send(frame(mail), "text/html; charset=utf-8", policy=FRAME_POLICY))

    def raw(self, query: dict[str, str], number: str) -> None:
        self._with(number, lambda mail: self._send(mail.raw, "text/plain; charset=utf-8"))

    def part(self, query: dict[str, str], number: str, name: str) -> None:
        def send(mail: Mail) -> None:
            kind, data = mail.embedded.get(unquote(name), ("", b""))
            if kind.startswith("image/"):
                self._send(data, kind, policy=FRAME_POLICY)
            else:
                self._missing()

        self._with(number, send)

    def all_json(self, query: dict[str, str]) -> None:
        after = int(query["after"]) if query.get("after", "").isdigit() else 0
        mails = [mail.as_json() for mail in self.mailbox.mails(after=after)]
        self._send(json.dumps({"items": mails, "total": len(self.mailbox)}, ensure_ascii=False), "application/json")

    def file(self, query: dict[str, str], name: str) -> None:
        self._send(asset(name), {"css": "text/css", "js": "text/javascript"}[name.rpartition(".")[2]])

    def events(self, query: dict[str, str]) -> None:
        """Server-sent events: each new mail as a finished row of the list."""
        self.close_connection = True
        seen = int(self.headers.get("Last-Event-ID") or query.get("after") or 0)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            while not self.mailbox.closing.is_set():
                if not self.mailbox.wait_beyond(seen, timeout_s=EVENT_PAUSE_S):
                    self.wfile.write(b": still here\n\n")
                for mail in self.mailbox.mails(after=seen):
                    seen = mail.number
                    data = json.dumps({"row": row(mail), "subject": mail.subject, "count": len(self.mailbox)})
                    self.wfile.write(f"id: {seen}\ndata: {data}\n\n".encode())
                self.wfile.flush()
        except OSError:
            return  # the reader went away


ROUTES: tuple[tuple[str, Callable[..., None]], ...] = (
    (r"/", _Handler.home),
    (r"/messages\.json", _Handler.all_json),
    (r"/messages/(\d{1,9})", _Handler.one),
    (r"/messages/(\d{1,9})/html", _Handler.html),
    (r"/messages/(\d{1,9})/raw", _Handler.raw),
    (r"/messages/(\d{1,9})/parts/([^/]+)", _Handler.part),
    (r"/events", _Handler.events),
    (r"/(style\.css|live\.js)", _Handler.file),
)
