"""Secrets at rest: Fernet (AES-128-CBC + HMAC-SHA256) with keys of a 0600 file, newest first, so that keys can be rotated."""

from __future__ import annotations

from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from webstreet.control.state import read_or_make, write_private
from webstreet.kernel.errors import Broken
from webstreet.kernel.secret import Secret


class VaultClosed(Broken):
    """A secret was encrypted with a key that is no longer in the key file."""

    code = "vault.closed"


class Vault:
    """Encrypts with the first key of the file, decrypts with any of them."""

    def __init__(self, keys: Path) -> None:
        self._path = keys
        self._read: tuple[tuple[int, ...], MultiFernet] | None = None

    def _fernet(self) -> MultiFernet:
        """The keys, read again only when the file is another one: it is replaced whole, never changed."""
        mark = self._mark()
        if self._read is None or self._read[0] != mark:
            text = read_or_make(self._path, lambda: Fernet.generate_key().decode())
            self._read = self._mark(), MultiFernet([Fernet(line) for line in text.split()])
        return self._read[1]

    def _mark(self) -> tuple[int, ...]:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return ()
        return found.st_ino, found.st_mtime_ns, found.st_size

    def close(self, secret: Secret) -> str:
        return self._fernet().encrypt(secret.reveal().encode()).decode()

    def open(self, token: str) -> Secret:
        try:
            return Secret(self._fernet().decrypt(token.encode()).decode())
        except InvalidToken:
            raise VaultClosed(
                f"A stored secret cannot be read: its key is not in {self._path}. Restore that file from the backup.",
            ) from None

    def renew(self, token: str) -> str:
        """The same secret under the newest key."""
        try:
            return self._fernet().rotate(token.encode()).decode()
        except InvalidToken:
            raise VaultClosed(f"A stored secret cannot be read: its key is not in {self._path}.") from None

    def add_key(self) -> None:
        """Put a new key first; the old ones stay until `drop_old_keys`."""
        text = read_or_make(self._path, lambda: Fernet.generate_key().decode())
        write_private(self._path, "\n".join([Fernet.generate_key().decode(), *text.split()]) + "\n")

    def drop_old_keys(self) -> None:
        """Keep the newest key and the one before it, with which somebody may be encrypting at this moment."""
        write_private(self._path, "\n".join(self._path.read_text("utf-8").split()[:2]) + "\n")
