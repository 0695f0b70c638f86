"""Dovecot from Debian's ``dovecot-imapd`` package: mailboxes over TLS, with a certificate of its own, on a free port."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import os
import re
import socket
import ssl
import subprocess
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.lab import base

PACKAGE = "dovecot-imapd"
PASSWORD = "mailbox-password"


@dataclass(frozen=True, slots=True)
class Dovecot:
    """A running server. Any user may log in with `PASSWORD`; a mailbox is a Maildir below ``mail``."""

    port: int
    ca_file: Path
    mail: Path
    pid: int | None = None

    def url(self, user: str, *, password: str = PASSWORD, folder: str = "INBOX") -> str:
        return f"imaps://{user}:{password}@127.0.0.1:{self.port}/{folder}?ca_file={self.ca_file}"

    def put(self, user: str, contents: Iterable[bytes]) -> None:
        """Deliver messages to a user's INBOX."""
        new = self.mail / user / "new"
        for part in (new, self.mail / user / "cur", self.mail / user / "tmp"):
            part.mkdir(parents=True, exist_ok=True)
        for content in contents:
            path = self.mail / user / "tmp" / f"{uuid.uuid4().hex}.lab"
            path.write_bytes(content)
            path.rename(new / path.name)
        _give(self.mail / user)

    def left(self, user: str) -> list[bytes]:
        """What lies in a user's INBOX now."""
        folder = self.mail / user
        return [path.read_bytes() for name in ("new", "cur") for path in sorted((folder / name).glob("*"))]


@contextlib.contextmanager
def running() -> Iterator[Dovecot]:
    """A server of our own.

    Raises:
        base.Missing: Dovecot is not installed.
    """
    binary = where()
    with base.folder("dovecot") as root:
        port = base.free_port()
        found = Dovecot(port, root / "cert.pem", root / "mail")
        found.mail.mkdir()
        _certificate(root)
        (root / "dovecot.conf").write_text(_configuration(root, port), "utf-8")
        for path in root.rglob("*"):
            _give(path)
        command = [binary, "-F", "-c", root / "dovecot.conf"]
        with base.server(command, cwd=root, ready=lambda: _answers(found)) as process:
            yield Dovecot(port, found.ca_file, found.mail, process.pid)


def version() -> str:
    """As in "2.3.19.1"."""
    text = subprocess.run([where(), "--version"], capture_output=True, text=True, timeout=20, check=True).stdout
    return text.split()[0]


def where() -> Path:
    # Its helpers lie in a package of their own: without them there is no IMAP.
    base.find("imap", package=PACKAGE, folders="/usr/lib/dovecot")
    return base.find("dovecot", package=PACKAGE, folders="/usr/sbin")


def _configuration(root: Path, port: int) -> str:
    user = base.unprivileged()
    name = user.pw_name if user else os.environ.get("USER") or str(os.getuid())
    group = subprocess.run(["id", "-gn", name], capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    return f"""
base_dir = {root}/run
state_dir = {root}/state
log_path = {root}/dovecot.log
protocols = imap
listen = 127.0.0.1
default_internal_user = {name}
default_login_user = {name}
default_internal_group = {group}
mail_location = maildir:{root}/mail/%u
mail_uid = {name}
mail_gid = {group}
first_valid_uid = 1
first_valid_gid = 1
ssl = required
ssl_cert = <{root}/cert.pem
ssl_key = <{root}/key.pem
auth_mechanisms = plain
auth_failure_delay = 0
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid={name} gid={group} home={root}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""


def _certificate(root: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lab")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (root / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (root / "key.pem").write_bytes(private)
    (root / "key.pem").chmod(0o600)


def _give(path: Path) -> None:
    """To the server's user, with what is below."""
    user = base.unprivileged()
    if user:
        for part in (path, *path.rglob("*")):
            os.chown(part, user.pw_uid, user.pw_gid)


def _answers(server: Dovecot) -> bool:
    context = ssl.create_default_context(cafile=str(server.ca_file))
    try:
        with (
            socket.create_connection(("127.0.0.1", server.port), timeout=2) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
        ):
            return re.match(rb"\* OK", secure.recv(100)) is not None
    except OSError:
        return False
