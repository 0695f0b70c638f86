#!/usr/bin/env python3
"""Mails everybody in a CSV file, through `webstreet.mail` alone: no Django, no site, no worker.

    EMAIL_URL=smtp+tls://user:password@mail.example.org \\
    python examples/mail_a_csv.py readers.csv --from "The Journal <news@example.org>" --subject "Our summer" --text summer.txt

The CSV has a column `email` and may have others; `{{name}}` in the text is replaced by the column `name`. What became of each message is
kept in `readers.csv.sqlite`. Started again, it goes on where it was: nobody is mailed twice. After a crash, messages whose fate nobody
knows are shown as uncertain and not sent again.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import sqlite3
import sys
from collections.abc import Sequence
from email.utils import parseaddr
from html import escape
from pathlib import Path

from webstreet.kernel.errors import WebstreetError
from webstreet.kernel.secret import Secret
from webstreet.mail.address import normal_address
from webstreet.mail.dkim import Signer, read_key
from webstreet.mail.errors import AddressInvalid
from webstreet.mail.message import (
    Letter,
    ListHeaders,
    Recipient,
    Sender,
    Skeleton,
    hole,
    render,
    stable_message_id,
    without_holes,
)
from webstreet.mail.pump import Envelope, Loop, Outcome, Result, Trouble, pump
from webstreet.mail.several import transport_of
from webstreet.mail.url import DEFAULT_EMAIL_URL, EmailUrl

TABLES = """
CREATE TABLE IF NOT EXISTS recipient (
    key INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE, fields TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'queued', code TEXT NOT NULL DEFAULT '', reply TEXT NOT NULL DEFAULT ''
);
UPDATE recipient SET state = 'uncertain', code = 'killed' WHERE state = 'sending';
UPDATE recipient SET state = 'queued' WHERE state IN ('deferred', 'unsent');
"""


class SqliteOutbox:
    """Who is to be mailed, and what became of it; a `webstreet.mail.pump.Outbox`."""

    def __init__(
        self, path: Path, sender: Sender, skeleton: Skeleton, *, unsubscribe: str, signers: Sequence[Signer]
    ) -> None:
        self._database = sqlite3.connect(path)
        try:
            # Held until the end: what another run has marked as sending is not ours to judge.
            self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._database.executescript(f"BEGIN EXCLUSIVE; {TABLES} COMMIT;")
        except sqlite3.OperationalError:
            raise SystemExit(f"{path} cannot be used: another run is at it.") from None
        self._sender, self._skeleton, self._unsubscribe, self._signers = sender, skeleton, unsubscribe, signers
        self._name = re.sub(r"[^A-Za-z0-9]+", "-", path.name)

    def add(self, recipients: Sequence[tuple[str, dict[str, str]]]) -> None:
        """Whom it knows already it keeps as they are."""
        rows = [(address, json.dumps(fields)) for address, fields in recipients]
        with self._database:
            self._database.executemany("INSERT OR IGNORE INTO recipient (address, fields) VALUES (?, ?)", rows)

    def claim(self, limit: int) -> Sequence[Envelope]:
        """Durably `sending` before a byte of it goes out."""
        chosen = "SELECT key, address, fields FROM recipient WHERE state = 'queued' ORDER BY key LIMIT ?"
        rows = self._database.execute(chosen, (limit,)).fetchall()
        envelopes = [self._envelope(key, address, json.loads(fields)) for key, address, fields in rows]
        with self._database:
            self._database.executemany(
                "UPDATE recipient SET state = 'sending' WHERE key = ?", [(key,) for key, *_ in rows]
            )
        return envelopes

    def _envelope(self, key: int, address: str, fields: dict[str, str]) -> Envelope:
        recipient = Recipient(
            address,
            stable_message_id(self._name, str(key), self._sender.domain),
            fields,
            unsubscribe_url=self._unsubscribe.replace("{address}", address),
            name=fields.get("name", "")[:100],
        )
        return Envelope(key, self._sender.address, address, self._skeleton.fill(recipient, self._signers))

    def record(self, results: Sequence[Result], trouble: Trouble | None) -> None:
        rows = [(result.outcome.value, result.code, result.reply, result.key) for result in results]
        with self._database:
            self._database.executemany("UPDATE recipient SET state = ?, code = ?, reply = ? WHERE key = ?", rows)

    def counts(self) -> dict[str, int]:
        return dict(self._database.execute("SELECT state, COUNT(*) FROM recipient GROUP BY state ORDER BY state"))


def rows_of(path: Path) -> tuple[list[tuple[str, dict[str, str]]], list[str]]:
    """The recipients of a CSV, each once, and what is wrong with other lines."""
    found: dict[str, dict[str, str]] = {}
    wrong = []
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        if "email" not in (reader.fieldnames or ()):
            raise SystemExit(f"{path} has no column email.")
        for row in reader:
            # A cell may hold a line end, and no header does.
            fields = {
                str(name): " ".join((value or "").split())
                for name, value in row.items()
                if name and not isinstance(value, list)
            }
            try:
                found.setdefault(normal_address(fields["email"]), fields)
            except AddressInvalid as error:
                wrong.append(f"line {reader.line_num}: {error.message}")
    return list(found.items()), wrong


def with_holes(text: str) -> str:
    return re.sub(r"\{\{ *([a-z_]+) *\}\}", lambda match: hole(match.group(1)), without_holes(text))


def letter_of(options: argparse.Namespace) -> Letter:
    name, address = parseaddr(options.sender)
    text = options.text.read_text("utf-8")
    html = (
        options.html.read_text("utf-8") if options.html else f"<pre style='white-space: pre-wrap'>{escape(text)}</pre>"
    )
    sender = Sender(name, address)
    about = ListHeaders(f"{options.csv.stem}.{sender.domain}") if options.unsubscribe else None
    return Letter(sender, options.subject, with_holes(text), with_holes(html), list=about)


def send(options: argparse.Namespace) -> int:
    letter = letter_of(options)
    signers = []
    if options.dkim_key:
        signers = [Signer(letter.sender.domain, options.dkim_selector, read_key(Secret(options.dkim_key.read_text())))]
    path = options.csv.with_name(options.csv.name + ".sqlite")
    outbox = SqliteOutbox(path, letter.sender, render(letter), unsubscribe=options.unsubscribe, signers=signers)
    rows, wrong = rows_of(options.csv)
    outbox.add(rows)
    transport, loop = transport_of(EmailUrl.parse_all(os.environ.get("EMAIL_URL", DEFAULT_EMAIL_URL))), Loop()
    try:
        done = pump(outbox, transport, loop, budget_s=options.seconds)
    finally:
        loop.run(transport.close())
        loop.close()
    counts = outbox.counts()
    print(*wrong, *(f"{state}: {count}" for state, count in counts.items()), sep="\n")
    if done.trouble:
        print(f"Stopped: {done.trouble.code}")
    return 0 if set(counts) <= {Outcome.SENT.value} and not wrong else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", type=Path)
    parser.add_argument("--from", dest="sender", required=True, help='"Name <address>"')
    parser.add_argument("--subject", required=True)
    parser.add_argument("--text", type=Path, required=True, help="the text of the mail, in UTF-8")
    parser.add_argument("--html", type=Path, help="the same as HTML; without it the text is shown as it is")
    parser.add_argument("--unsubscribe", default="", help="https address that unsubscribes {address} by one POST")
    parser.add_argument("--dkim-key", type=Path, help="private key in PEM")
    parser.add_argument("--dkim-selector", default="mail")
    parser.add_argument("--seconds", type=float, default=86_400, help="stop after that long")
    try:
        return send(parser.parse_args())
    except WebstreetError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
