"""Files of any size to import, written as other programs write them: for benchmarks and for tests of memory."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

WXR_HEAD = """<?xml version="1.0" encoding="UTF-8" ?>
<rss version="2.0"
 xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:wfw="http://wellformedweb.org/CommentAPI/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:wp="http://wordpress.org/export/1.2/">
<channel>
<title>An old site</title>
<link>https://old.example</link>
<language>en-US</language>
<wp:wxr_version>1.2</wp:wxr_version>
<wp:base_site_url>https://old.example</wp:base_site_url>
<wp:base_blog_url>https://old.example</wp:base_blog_url>
<wp:author><wp:author_login><![CDATA[ann]]></wp:author_login>
<wp:author_display_name><![CDATA[Ann Other]]></wp:author_display_name></wp:author>
"""
WXR_TAIL = "</channel>\n</rss>\n"
PARAGRAPHS = " ".join(["A paragraph of an article, as long as people write them."] * 12)
ROWS_AT_ONCE = 200
WORDS = (
    "river", "stone", "market", "letter", "window", "garden", "harbour", "winter", "bread", "paper", "morning", "bridge", "engine",
    "summer", "village", "lantern", "copper", "meadow", "signal", "orchard",
)  # fmt: skip


def wxr_item(number: int, *, content: str, kind: str = "post", status: str = "publish", more: str = "") -> str:
    """One ``<item>``; ``more`` goes before its end."""
    day, minute = 1 + number % 28, number % 60
    return f"""<item>
<title><![CDATA[Title {number}]]></title>
<link>https://old.example/2019/01/title-{number}/</link>
<dc:creator><![CDATA[ann]]></dc:creator>
<content:encoded><![CDATA[{content}]]></content:encoded>
<excerpt:encoded><![CDATA[]]></excerpt:encoded>
<wp:post_id>{number}</wp:post_id>
<wp:post_date_gmt><![CDATA[2019-01-{day:02} 08:{minute:02}:00]]></wp:post_date_gmt>
<wp:post_name><![CDATA[title-{number}]]></wp:post_name>
<wp:status><![CDATA[{status}]]></wp:status>
<wp:post_parent>0</wp:post_parent>
<wp:menu_order>0</wp:menu_order>
<wp:post_type><![CDATA[{kind}]]></wp:post_type>
<wp:post_password><![CDATA[]]></wp:post_password>
<category domain="category" nicename="news"><![CDATA[News]]></category>
{more}</item>
"""


def write_wxr(path: Path, *, posts: int, words: int = 300, seed: int = 1) -> int:
    """An export of WordPress with so many posts of so many words; its size in bytes."""
    chance = random.Random(seed)  # noqa: S311 the same file every time
    with path.open("w", encoding="utf-8") as file:
        file.write(WXR_HEAD)
        for number in range(1, posts + 1):
            paragraphs = [" ".join(chance.choices(WORDS, k=50)) for _ in range(max(1, words // 50))]
            link = f'<a href="https://old.example/2019/01/title-{max(1, number - 1)}/">the one before</a>'
            body = "\n\n".join([*paragraphs, f"See {link}."])
            file.write(wxr_item(number, content=body))
        file.write(WXR_TAIL)
    return path.stat().st_size


def write_subscribers(path: Path, *, rows: int) -> int:
    """A list of so many subscribers, one in fifty unsubscribed and one in a hundred bounced; its size in bytes."""
    with path.open("w", encoding="utf-8") as file:
        file.write("email,name,status,created_at,consent date\n")
        for number in range(rows):
            status = "bounced" if number % 100 == 0 else "unsubscribed" if number % 50 == 1 else "active"
            file.write(
                f"reader{number}@mail{number % 97}.example,Reader {number},{status},2021-03-04 05:06:07,2021-03-04\n"
            )
    return path.stat().st_size


def write_dump(path: Path, *, articles: int = 0, subscribers: int = 0, text: str = PARAGRAPHS) -> int:
    """What mysqldump writes of a crispy-octo site of this size; its size in bytes."""
    columns = "`id` bigint, `title` varchar(255), `body` text, `status` varchar(255), `created_at` datetime, `updated_at` datetime"
    people = "`id` bigint, `email` varchar(255), `created_at` datetime, `updated_at` datetime"
    at = "'2024-01-01 10:00:00','2024-01-01 10:00:00'"
    with path.open("w", encoding="utf-8") as file:
        file.write(f"CREATE TABLE `articles` ({columns});\n")
        _inserts(file, "articles", (f"({n},'Article {n}','{text}','public',{at})" for n in range(1, articles + 1)))
        file.write(f"CREATE TABLE `subscribers` ({people});\n")
        _inserts(file, "subscribers", (f"({n},'reader{n}@example.org',{at})" for n in range(1, subscribers + 1)))
        file.write("-- Dump completed\n")
    return path.stat().st_size


def _inserts(file: TextIO, table: str, rows: Iterator[str]) -> None:
    while some := list(itertools.islice(rows, ROWS_AT_ONCE)):
        file.write(f"INSERT INTO `{table}` VALUES {','.join(some)};\n")  # noqa: S608 our own words, for a file
