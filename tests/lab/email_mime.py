"""Email::MIME, a mail parser in Perl from Debian: shares no line with Python's."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab import base

PACKAGE = "libemail-mime-perl"
_PROGRAM = r"""
use strict; use warnings; use Email::MIME; use JSON::PP;
binmode STDIN; local $/;
my $mail = Email::MIME->new(scalar <STDIN>);
my @headers; my @pairs = $mail->header_str_pairs;
while (my ($name, $value) = splice @pairs, 0, 2) { push @headers, [$name, $value]; }
my @parts = map { [$_->content_type, $_->body_str] } $mail->subparts;
print JSON::PP->new->ascii->encode({headers => \@headers, type => $mail->content_type, parts => \@parts});
"""


@dataclass(frozen=True)
class Mail:
    """``headers``: as a person reads them; ``parts``: type and text of each."""

    headers: list[tuple[str, str]]
    type: str
    parts: list[tuple[str, str]]

    def __getitem__(self, name: str) -> str:
        (value,) = [value for key, value in self.headers if key == name]
        return value


class Parser:
    def parse(self, content: bytes) -> Mail:
        done = subprocess.run(["perl", "-e", _PROGRAM], input=content, capture_output=True, timeout=60, check=False)
        if done.returncode or done.stderr:
            raise ValueError(f"Email::MIME does not read it: {done.stderr.decode('utf-8', 'replace')[-500:]}")
        told: dict[str, Any] = json.loads(done.stdout)
        return Mail([(k, v) for k, v in told["headers"]], told["type"], [(t, b) for t, b in told["parts"]])


@contextlib.contextmanager
def running() -> Iterator[Parser]:
    """Raises `base.Missing`: it is not installed."""
    where()
    parser = Parser()
    parser.parse(b"Subject: x\r\n\r\nx\r\n")
    yield parser


def version() -> str:
    """As in "1.953"."""
    told = subprocess.run(
        ["perl", "-MEmail::MIME", "-e", "print $Email::MIME::VERSION"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return told.stdout


def where() -> Path:
    perl = base.find("perl", package="perl")
    found = subprocess.run([perl, "-MEmail::MIME", "-e", "1"], capture_output=True, timeout=60, check=False)
    if found.returncode:
        raise base.Missing(f"Email::MIME is not installed: type `make lab` as root, or `apt-get install {PACKAGE}`")
    return perl
