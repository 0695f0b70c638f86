# ruff: noqa: S608 the SQL here is what is read, never what is run
"""The reader of dumps: every value comes back as it went in, and a damaged file is refused with line and advice."""

from __future__ import annotations

import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webstreet.engine.imports import mysqldump
from webstreet.engine.imports.mysqldump import Dump, DumpInvalid

CREATE = """\
DROP TABLE IF EXISTS `articles`;
/*!40101 SET character_set_client = utf8 */;
CREATE TABLE `articles` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `title` varchar(255) DEFAULT 'a, (b)' COMMENT 'it''s; a title',
  `price` decimal(10,2) DEFAULT NULL,
  body text,
  PRIMARY KEY (`id`),
  UNIQUE KEY `by_title` (`title`(10)),
  CONSTRAINT `c` CHECK (`id` > 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
"""


def read(text: str | bytes, tables=("articles",)) -> list[mysqldump.Row]:
    data = text.encode() if isinstance(text, str) else text
    return list(Dump(io.BytesIO(data), "dump.sql", tables))


def values(text: str | bytes) -> list[list[str | None]]:
    return [list(row.values.values()) for row in read(text)]


def quoted(value: str) -> str:
    """As mysql_real_escape_string does."""
    table = {"\0": "\\0", "\n": "\\n", "\r": "\\r", "\\": "\\\\", "'": "\\'", '"': '\\"', "\x1a": "\\Z"}
    return "'" + "".join(table.get(c, c) for c in value) + "'"


@given(st.lists(st.tuples(st.text(), st.one_of(st.none(), st.text())), min_size=1, max_size=20))
def test_what_mysql_escapes_comes_back(rows):
    body = ",".join(f"({n},{quoted(a)},NULL,{'NULL' if b is None else quoted(b)})" for n, (a, b) in enumerate(rows))
    assert values(f"{CREATE}INSERT INTO `articles` VALUES {body};\n") == [
        [str(n), a, None, b] for n, (a, b) in enumerate(rows)
    ]


@given(st.text(st.characters(exclude_characters="\\", exclude_categories=["Cs"])))
def test_doubled_quotes_come_back(text):
    doubled = text.replace("'", "''")
    assert values(f"{CREATE}INSERT INTO articles VALUES (1,'{doubled}',2.50,'');") == [["1", text, "2.50", ""]]


@given(st.integers(min_value=1, max_value=40), st.text(min_size=1))
def test_where_the_file_is_cut_into_pieces_does_not_matter(size, text):
    whole = f"{CREATE}-- a comment\nINSERT INTO `articles` VALUES (1,{quoted(text)},-1.5e3,'x'),(2,'',NULL,'');\n# end"
    kept, mysqldump.CHUNK_BYTES = mysqldump.CHUNK_BYTES, size
    try:
        assert values(whole) == [["1", text, "-1.5e3", "x"], ["2", "", None, ""]]
    finally:
        mysqldump.CHUNK_BYTES = kept


@given(st.binary(max_size=300))
def test_any_bytes_give_rows_or_a_clear_refusal(data):
    try:
        read(data)
    except DumpInvalid as error:
        assert error.problems[0].path.startswith("line ")
        assert error.error_code.startswith("dump.")


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("_binary 'a\\0b'", "a\0b"),
        ("_utf8mb4'é'", "é"),
        ("0xC3A9", "é"),
        ("X'C3A9'", "é"),
        ("x''", ""),
        ("TRUE", "1"),
        ("'\\%\\_'", "\\%\\_"),
        ("'a\\qb'", "aqb"),
        ('"say \'hi\' ""now"""', "say 'hi' \"now\""),
        ("'/* no comment */ -- nor this'", "/* no comment */ -- nor this"),
        ("'); DROP TABLE x; --'", "'); DROP TABLE x; --"[1:]),
    ],
)
def test_every_kind_of_literal(literal, value):
    assert values(f"{CREATE}INSERT INTO articles VALUES (1,{literal},NULL,NULL);")[0][1] == value


def test_columns_come_from_the_insert_if_it_names_them():
    rows = read("INSERT IGNORE INTO `db`.`articles` (`title`, id) VALUES ('a', 1) ON DUPLICATE KEY UPDATE id=id;")
    assert rows[0].values == {"title": "a", "id": "1"}


def test_everything_else_is_passed_over():
    text = (
        f"""-- MySQL dump 10.13
/*!40101 SET NAMES utf8mb4 */;
{CREATE}LOCK TABLES `articles` WRITE;
/*!40000 ALTER TABLE `articles` DISABLE KEYS */;
INSERT INTO `articles` VALUES (1,'a',NULL,'');
UNLOCK TABLES;
CREATE TABLE `blobs` (`id` int, `data` blob);
INSERT INTO `blobs` VALUES (1,_binary '""".encode()
        + b"\xff\xfe\\0\\'x"
        + b"""'),(2,NULL);
CREATE VIEW `v` AS SELECT 'x;y' AS `z`;
DELIMITER ;;
CREATE TRIGGER t BEFORE INSERT ON articles FOR EACH ROW BEGIN SET @a = 'it;'; INSERT INTO log VALUES (1); END ;;
DELIMITER ;
-- Dump completed on 2024-01-01
"""
    )
    dump = Dump(io.BytesIO(text), "dump.sql", ["articles"])
    assert [row.line for row in dump] == [16]
    assert dump.counts == {"articles": 1, "blobs": 2}


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (CREATE + "INSERT INTO `articles` VALUES (1,'a',NULL,'cut off he", "dump.truncated", 12),
        (CREATE + "INSERT INTO `articles` VALUES (1,'a',NULL,''),", "dump.truncated", 12),
        (CREATE[:150], "dump.truncated", 5),
        ("-- MySQL dump 10.13\n" + CREATE, "dump.truncated", 13),
        ("/* never closed", "dump.truncated", 1),
        ("PK\x03\x04", "dump.not_sql", 1),
        ("id,title\n1,Hello\n", "dump.not_sql", 1),
        ("<!doctype html>", "dump.not_sql", 1),
        ('{"articles": []}', "dump.not_sql", 1),
        ("INSERT INTO articles VALUES (1,'a');", "dump.columns_unknown", 1),
        (CREATE + "INSERT INTO articles VALUES (1,'a');", "dump.row", 12),
        (CREATE + "INSERT INTO articles VALUES (1,'a' 'b',NULL,NULL);", "dump.row", 12),
        (CREATE + "INSERT INTO articles VALUES (1,NOW(),NULL,NULL);", "dump.row", 12),
        (CREATE + "INSERT INTO articles VALUES ();", "dump.row", 12),
    ],
)
def test_a_damaged_file_is_refused(text, code, line):
    with pytest.raises(DumpInvalid) as caught:
        read(text)
    problem = caught.value.problems[0]
    assert (caught.value.error_code, problem.path) == (code, f"line {line}")
    assert problem.suggestion


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ((CREATE + "INSERT INTO articles VALUES (1,'été',NULL,NULL);").encode("latin-1"), "dump.encoding"),
        (CREATE.encode("utf-16"), "dump.encoding"),
        (b"\x1f\x8b\x08\x00", "dump.compressed"),
        (b"\x00" * 100, "dump.not_sql"),
    ],
)
def test_the_wrong_encoding_is_named(data, code):
    with pytest.raises(DumpInvalid) as caught:
        read(data)
    assert caught.value.error_code == code
    assert caught.value.problems[0].suggestion


def test_a_byte_order_mark_is_no_problem():
    assert read(b"\xef\xbb\xbf" + CREATE.encode()) == []


class _Endless(io.RawIOBase):
    """A dump of a given size that is made while it is read."""

    def __init__(self, rows: int) -> None:
        row = "(1,'" + "text \\' " * 200 + "',NULL,'x')"
        self.parts = iter([CREATE.encode()] + [f"INSERT INTO articles VALUES {row},{row};\n".encode()] * rows)
        self.rest = b""

    def read(self, size: int = -1) -> bytes:
        while len(self.rest) < size:
            part = next(self.parts, b"")
            if not part:
                break
            self.rest += part
        data, self.rest = self.rest[:size], self.rest[size:]
        return data


def _peak(rows: int) -> int:
    tracemalloc.start()
    try:
        assert sum(1 for _ in Dump(_Endless(rows), "dump.sql", ["articles"])) == rows * 2
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_file():
    small, large = _peak(500), _peak(5000)
    assert large < small * 1.2 + 200_000
