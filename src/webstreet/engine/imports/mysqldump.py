"""A reader of what mysqldump and mariadb-dump write, in one pass and constant memory.

Not an SQL parser: it knows the tokens of MySQL's dialect (https://dev.mysql.com/doc/refman/8.0/en/string-literals.html) and the
shape of CREATE TABLE and INSERT; every other statement is skipped token by token. Values come as `str`, text
columns must be UTF-8, checked for the tables asked for only, because other tables may hold raw binary columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

from webstreet.kernel.errors import DocumentInvalid, Problem

CHUNK_BYTES = 256 * 1024
TOKEN_MAX_BYTES = 64 * 1024 * 1024
Value = str | None

# No alternative may match the beginning of another one that is cut off by the end of the window.
_TOKEN = re.compile(
    rb"""
      (?P<space>   [ \t\r\n\f\x0b]++ )
    | (?P<comment> (?: --(?=[ \t\r\n]) | \# ) [^\n]*+ \n | /\* .*? \*/ )
    | (?P<string>  '(?: [^'\\]++ | \\. | '' )*+' | "(?: [^"\\]++ | \\. | "" )*+" )
    | (?P<name>    `(?: [^`]++ | `` )*+` )
    | (?P<hex>     0[xX][0-9A-Fa-f]++ (?![A-Za-z0-9_]) )
    | (?P<number>  -?(?: \d++(?:\.\d*+)?+ | \.\d++ )(?: [eE][+-]?\d++ )?+ (?![A-Za-z0-9_.]) )
    | (?P<word>    [A-Za-z_$@\x80-\xff][A-Za-z0-9_$@\x80-\xff]*+ )
    | (?P<mark>    [()\[\]{},;=.:<>+*%&|!^~?] | /(?!\*) | -(?![-.0-9]) )
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(rb"\\(.)|''|\"\"", re.DOTALL)
_ESCAPED = {b"0": b"\0", b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"Z": b"\x1a", b"%": b"\\%", b"_": b"\\_"}
_STARTS = {
    "SET",
    "DROP",
    "CREATE",
    "LOCK",
    "UNLOCK",
    "INSERT",
    "REPLACE",
    "ALTER",
    "USE",
    "DELIMITER",
    "COMMIT",
    "START",
}
_STARTS |= {
    "BEGIN",
    "CHANGE",
    "CALL",
    "GRANT",
    "FLUSH",
    "ANALYZE",
    "UPDATE",
    "DELETE",
    "TRUNCATE",
    "RENAME",
    "SELECT",
    "SHOW",
}
_NOT_COLUMNS = frozenset(
    ("PRIMARY", "KEY", "UNIQUE", "CONSTRAINT", "INDEX", "FULLTEXT", "SPATIAL", "CHECK", "FOREIGN", "PERIOD")
)
_DELIMITER_BACK = re.compile(rb"^[ \t]*DELIMITER[ \t]+;[ \t\r]*$", re.IGNORECASE | re.MULTILINE)


class Token(NamedTuple):
    kind: str
    raw: bytes
    line: int


@dataclass(frozen=True, slots=True)
class Row:
    """One row of an INSERT. ``line`` is the line on which it starts, from 1."""

    table: str
    line: int
    values: dict[str, Value] = field(repr=False)


class DumpInvalid(DocumentInvalid):
    """A dump cannot be read; says on which line and what to do."""

    code = "dump.invalid"


def invalid(name: str, line: int, rule: str, suggestion: str, code: str) -> DumpInvalid:
    return DumpInvalid(name, [Problem(f"line {line}", rule, suggestion)], code=code)


class _Tokens:
    """Tokens of a file through a window that grows only for a token larger than it."""

    def __init__(self, file: BinaryIO, name: str, on_read: Callable[[int], None] | None) -> None:
        self.file, self.name, self.on_read = file, name, on_read
        self.buffer, self.at, self.line = b"", 0, 1
        self.read_bytes, self.ended = 0, False
        self.header = self.footer = False
        self._first_bytes()

    def _first_bytes(self) -> None:
        self._more(CHUNK_BYTES)
        head = self.buffer[:4]
        if head[:2] == b"\x1f\x8b":
            raise invalid(self.name, 1, "is compressed.", "Unpack it first: gunzip DUMP.sql.gz.", "dump.compressed")
        if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
            hint = "Make the dump with mysqldump --result-file=DUMP.sql instead of redirecting its output."
            raise invalid(self.name, 1, "is UTF-16, not UTF-8.", hint, "dump.encoding")
        if head[:3] == b"\xef\xbb\xbf":
            self.at = 3

    def _more(self, size: int) -> bool:
        data = self.file.read(size)
        self.ended = not data
        self.read_bytes += len(data)
        self.buffer, self.at = self.buffer[self.at :] + data, 0
        if data and self.on_read is not None:
            self.on_read(self.read_bytes)
        return bool(data)

    def __iter__(self) -> Iterator[Token]:
        while (token := self.next()) is not None:
            yield token

    def next(self) -> Token | None:
        """The next token that is neither space nor comment; None at the end of the file."""
        while True:
            found = self._match()
            if found is None:
                return None
            kind, raw = found
            line = self.line
            self.line += raw.count(b"\n")
            if kind == "comment":
                self.header |= raw.startswith((b"-- MySQL dump", b"-- MariaDB dump"))
                self.footer |= raw.startswith(b"-- Dump completed")
            elif kind != "space":
                return Token(kind, raw, line)

    def _match(self) -> tuple[str, bytes] | None:
        while True:
            match = _TOKEN.match(self.buffer, self.at)
            # A token that touches the window's end may go on behind it.
            if match is not None and (match.end() < len(self.buffer) or self.ended):
                self.at = match.end()
                return str(match.lastgroup), match.group()
            if not self.ended and len(self.buffer) - self.at < TOKEN_MAX_BYTES:
                # Doubling keeps the work for a long text linear.
                self._more(max(CHUNK_BYTES, len(self.buffer) - self.at))
                continue
            return self._no_match()

    def _no_match(self) -> tuple[str, bytes] | None:
        rest = self.buffer[self.at : self.at + 2]
        if not rest:
            return None
        if rest[:1] in b"'\"`" or rest == b"/*":
            raise self.truncated()
        if rest[:1] == b"#" or rest == b"--":
            # A comment that the file ends with, without a line break.
            self.footer |= self.buffer[self.at :].startswith(b"-- Dump completed")
            self.at = len(self.buffer)
            return "comment", b""
        raise invalid(self.name, self.line, "is not SQL.", "Give the file that mysqldump wrote.", "dump.not_sql")

    def truncated(self) -> DumpInvalid:
        hint = "The file ends too early: make the dump again and compare the sizes."
        return invalid(self.name, self.line, "ends in the middle of a statement.", hint, "dump.truncated")

    def expect(self) -> Token:
        """The next token; the file may not end here."""
        token = self.next()
        if token is None:
            raise self.truncated()
        return token

    def skip_routines(self) -> None:
        """After DELIMITER: to the line that sets it back to a semicolon."""
        while True:
            match = _DELIMITER_BACK.search(self.buffer, self.at)
            if match is not None:
                self.line += self.buffer.count(b"\n", self.at, match.end())
                self.at = match.end()
                return
            keep = self.buffer.rfind(b"\n", self.at) + 1 or self.at
            self.line += self.buffer.count(b"\n", self.at, keep)
            self.at = keep
            if not self._more(CHUNK_BYTES):
                raise self.truncated()


class Dump:
    """One pass over a dump. Iterating gives the rows of the tables asked for.

    Args:
        file: opened in binary mode, at its start.
        name: what to call it in messages.
        tables: whose rows are wanted.
        on_read: told the number of bytes read so far.

    Attributes:
        columns: table -> column names, for every table seen so far.
        counts: table -> number of rows, for every table seen so far.

    Raises (while iterating):
        DumpInvalid: truncated, wrong encoding, not SQL, or a row that does not fit its table.
    """

    def __init__(
        self, file: BinaryIO, name: str, tables: Collection[str], on_read: Callable[[int], None] | None = None
    ) -> None:
        self._tokens = _Tokens(file, name, on_read)
        self.name, self.tables = name, frozenset(tables)
        self.columns: dict[str, list[str]] = {}
        self.counts: dict[str, int] = {}

    def __iter__(self) -> Iterator[Row]:
        while (token := self._tokens.next()) is not None:
            start = token.raw.upper().decode("ascii", "replace")
            if token.kind == "mark" and token.raw == b";":
                continue
            if token.kind != "word" or start not in _STARTS:
                raise invalid(
                    self.name, token.line, "is not SQL.", "Give the file that mysqldump wrote.", "dump.not_sql"
                )
            if start in ("INSERT", "REPLACE"):
                yield from self._insert()
            elif start == "CREATE":
                self._create()
            elif start == "DELIMITER":
                self._tokens.skip_routines()
            else:
                self._to_end(self._tokens.expect())
        if self._tokens.header and not self._tokens.footer:
            raise self._tokens.truncated()

    def _to_end(self, token: Token) -> None:
        while token.raw != b";" or token.kind != "mark":
            token = self._tokens.expect()

    def _create(self) -> None:
        token = self._tokens.expect()
        if token.raw.upper() == b"TEMPORARY":
            token = self._tokens.expect()
        if token.raw.upper() != b"TABLE":
            self._to_end(token)
            return
        table, token = self._table_name()
        if token.raw != b"(":
            self._to_end(token)
            return
        columns, depth, fresh = [], 1, True
        while depth:
            token = self._tokens.expect()
            if token.kind == "mark":
                depth += {b"(": 1, b")": -1}.get(token.raw, 0)
                fresh = depth == 1 and token.raw == b","
                continue
            if fresh and (token.kind == "name" or token.raw.upper().decode("ascii", "replace") not in _NOT_COLUMNS):
                columns.append(_name(token))
            fresh = False
        self.columns[table] = columns
        self.counts.setdefault(table, 0)
        self._to_end(self._tokens.expect())

    def _table_name(self) -> tuple[str, Token]:
        """The name, without the database before it, and the token behind it; skips INTO, IF NOT EXISTS, IGNORE."""
        token = self._tokens.expect()
        while token.kind == "word" and token.raw.upper() in (
            b"INTO",
            b"IF",
            b"NOT",
            b"EXISTS",
            b"IGNORE",
            b"DELAYED",
            b"LOW_PRIORITY",
        ):
            token = self._tokens.expect()
        behind = self._tokens.expect()
        while behind.raw == b".":
            token, behind = self._tokens.expect(), self._tokens.expect()
        return _name(token), behind

    def _insert(self) -> Iterator[Row]:
        table, token = self._table_name()
        columns = self.columns.get(table, [])
        if token.raw == b"(":
            columns = []
            while token.raw != b")":
                token = self._tokens.expect()
                if token.kind in ("name", "word"):
                    columns.append(_name(token))
            token = self._tokens.expect()
        if token.raw.upper() not in (b"VALUES", b"VALUE"):
            rule = f'expected VALUES in the INSERT for "{table[:64]}".'
            raise invalid(self.name, token.line, rule, "Give the file that mysqldump wrote.", "dump.not_sql")
        wanted = table in self.tables
        if wanted and not columns:
            hint = "Make the dump with its table structure (without --no-create-info)."
            raise invalid(
                self.name, token.line, f'the columns of "{table}" are not known.', hint, "dump.columns_unknown"
            )
        self.counts.setdefault(table, 0)
        while True:
            token = self._tokens.expect()
            if token.raw != b"(":
                raise self._damaged(token)
            values = self._values(wanted)
            self.counts[table] += 1
            if wanted:
                if len(values) != len(columns):
                    rule = f'a row of "{table}" has {len(values)} values for {len(columns)} columns.'
                    raise invalid(self.name, token.line, rule, "Make the dump again.", "dump.row")
                yield Row(table, token.line, dict(zip(columns, values, strict=True)))
            behind = self._tokens.expect()
            if behind.raw == b",":
                continue
            self._to_end(behind)
            return

    def _values(self, wanted: bool) -> list[Value]:
        """To the closing parenthesis. For tables nobody wants the values are passed over."""
        values: list[Value] = []
        parts: list[Token] = []
        depth = 1
        while True:
            token = self._tokens.expect()
            if token.kind != "mark" or token.raw not in (b"(", b")", b",", b";"):
                if wanted:
                    parts.append(token)
                continue
            if token.raw == b";" or (wanted and token.raw == b"("):
                raise self._damaged(token)
            depth += {b"(": 1, b")": -1}.get(token.raw, 0)
            if wanted:
                values.append(self._value(parts, token))
                parts = []
            if depth == 0:
                return values

    def _value(self, parts: list[Token], behind: Token) -> Value:
        """One value: a literal, or a literal with its introducer."""
        if not parts or len(parts) > 2 or (len(parts) == 2 and not _is_introducer(*parts)):
            raise self._damaged(behind)
        token = parts[-1]
        introducer = parts[0] if len(parts) == 2 else None
        raw = token.raw
        if token.kind == "string":
            if introducer is not None and introducer.raw.lower() in (b"x", b"b"):
                digits = raw[1:-1]
                data = bytes.fromhex(digits.decode()) if introducer.raw.lower() == b"x" else _bits(digits)
            else:
                data = unescape(raw)
        elif token.kind == "hex":
            digits = raw[2:]
            data = bytes.fromhex((b"0" * (len(digits) % 2) + digits).decode())
        elif token.kind == "number":
            return raw.decode()
        else:
            word = raw.upper()
            if word not in (b"NULL", b"TRUE", b"FALSE"):
                raise self._damaged(token)
            return {b"NULL": None, b"TRUE": "1", b"FALSE": "0"}[word]
        try:
            return data.decode()
        except UnicodeDecodeError:
            hint = "Make the dump with mysqldump --default-character-set=utf8mb4."
            raise invalid(self.name, token.line, "holds text that is not UTF-8.", hint, "dump.encoding") from None

    def _damaged(self, token: Token) -> DumpInvalid:
        return invalid(self.name, token.line, "a row of values is damaged.", "Make the dump again.", "dump.row")


def unescape(literal: bytes) -> bytes:
    """The bytes that a quoted MySQL literal stands for."""
    quote = literal[:1]
    inner = literal[1:-1]

    def one(match: re.Match[bytes]) -> bytes:
        escaped = match.group(1)
        if escaped is not None:
            return _ESCAPED.get(escaped, escaped)
        doubled = match.group()
        return quote if doubled[:1] == quote else doubled

    return _ESCAPE.sub(one, inner)


def _bits(digits: bytes) -> bytes:
    number = int(digits or b"0", 2)
    return str(number).encode()


def _is_introducer(first: Token, second: Token) -> bool:
    """``_binary 'x'``, ``_utf8mb4 'x'``, ``x'00'``, ``b'1'``."""
    text = first.raw.lower()
    return (
        first.kind == "word" and second.kind in ("string", "hex") and (text[:1] == b"_" or text in (b"x", b"b", b"n"))
    )


def _name(token: Token) -> str:
    raw = token.raw
    if token.kind == "name":
        raw = raw[1:-1].replace(b"``", b"`")
    elif token.kind == "string":
        raw = unescape(raw)
    return raw.decode(errors="replace")
