"""How records of DNS differ from what they must be: each mistake that people make has its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from webstreet.mail.dkim import Signer, new_key, read_key
from webstreet.mail.lookup import Answer
from webstreet.mail.records import Verdict, dkim, dmarc, spf

KEY = Signer("example.org", "s1", read_key(new_key("rsa-sha256")))
ED = Signer("example.org", "e1", read_key(new_key("ed25519-sha256")))
OTHER = Signer("example.org", "s1", read_key(new_key("rsa-sha256")))
VALUE = KEY.record_text.partition("p=")[2]


def saying(records: dict[str, Sequence[str] | str]) -> Callable[[str], Answer]:
    def ask(name: str) -> Answer:
        said = records.get(name)
        if said == "silent":
            return Answer("silent")
        return Answer("found", tuple(said)) if said else Answer("none")

    return ask


def found(*texts: str) -> Verdict:
    return dkim(KEY.record_name, KEY.record_text, "example.org", saying({KEY.record_name: texts}))


@pytest.mark.parametrize(
    "text",
    [
        KEY.record_text,
        f"p={VALUE}",
        f"v=DKIM1;k=rsa;p={VALUE};",
        f"v=DKIM1; k=rsa; h=sha1:sha256; s=email; t=s; n=made by hand; p={VALUE[:200]} {VALUE[200:]}",
    ],
)
def test_a_key_is_right_however_it_is_written(text: str) -> None:
    assert found(text) == Verdict("right", "", (text,))


@pytest.mark.parametrize(
    ("fact", "texts"),
    [
        ("several", [KEY.record_text, OTHER.record_text]),
        ("syntax", ["hello"]),
        ("syntax", [f"v=DKIM2; p={VALUE}"]),
        ("quotes", [f'"v=DKIM1; k=rsa; p={VALUE}"']),
        ("quotes", [f"v=DKIM1\\; k=rsa\\; p={VALUE}"]),
        ("revoked", ["v=DKIM1; k=rsa; p="]),
        ("cut", [KEY.record_text[:255]]),
        ("algorithm", [ED.record_text]),
        ("key", [OTHER.record_text]),
        ("hash", [f"v=DKIM1; h=sha1; p={VALUE}"]),
        ("service", [f"v=DKIM1; s=other; p={VALUE}"]),
    ],
)
def test_what_differs_has_a_name(fact: str, texts: list[str]) -> None:
    assert found(*texts) == Verdict("wrong", fact, tuple(texts))


def test_a_key_in_testing_is_right_and_said() -> None:
    assert found(f"{KEY.record_text}; t=y:s").kind == "right"
    assert found(f"{KEY.record_text}; t=y:s").fact == "testing"


def test_ed25519_has_its_own_kind() -> None:
    right = dkim(ED.record_name, ED.record_text, "example.org", saying({ED.record_name: [ED.record_text]}))
    without = ED.record_text.replace("k=ed25519; ", "")
    assert right.kind == "right"
    assert dkim(ED.record_name, ED.record_text, "example.org", saying({ED.record_name: [without]})).fact == "algorithm"


def test_a_key_that_is_not_there() -> None:
    assert found() == Verdict("missing")
    doubled = saying({f"{KEY.record_name}.example.org": [KEY.record_text]})
    assert dkim(KEY.record_name, KEY.record_text, "example.org", doubled).fact == "doubled"
    assert dkim(KEY.record_name, KEY.record_text, "example.org", saying({KEY.record_name: "silent"})) == Verdict(
        "silent"
    )


MANY = {f"p{i}.example": [f"v=spf1 include:p{i + 1}.example -all"] for i in range(40)}


@pytest.mark.parametrize(
    ("kind", "fact", "texts"),
    [
        ("right", "", ["v=spf1 mx ~all", "another text"]),
        ("right", "", ["v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 a:mail.example.org/24//64 exp=x.example -all"]),
        ("right", "", ["V=SPF1 include:p39.example ?all"]),
        ("right", "", ["v=spf1 redirect=p39.example"]),
        ("right", "", ["v=spf1 exists:%{i}.example include:%{d}.example -all"]),
        ("missing", "", ["v=spf10 -all"]),
        ("missing", "", []),
        ("wrong", "several", ["v=spf1 -all", "v=spf1 mx -all"]),
        ("wrong", "syntax", ["v=spf1 ipv4:192.0.2.1 -all"]),
        ("wrong", "syntax", ["v=spf1 include: -all"]),
        ("wrong", "everybody", ["v=spf1 mx +all"]),
        ("wrong", "everybody", ["v=spf1 all"]),
        ("wrong", "open", ["v=spf1 mx"]),
        ("wrong", "lookups", ["v=spf1 include:p0.example -all"]),
        ("wrong", "lookups", ["v=spf1 " + " ".join(f"a:h{i}.example" for i in range(11)) + " -all"]),
        ("right", "", ["v=spf1 " + " ".join(f"a:h{i}.example" for i in range(10)) + " -all"]),
    ],
)
def test_spf(kind: str, fact: str, texts: list[str]) -> None:
    verdict = spf("example.org", saying({"example.org": texts} | MANY))
    assert (verdict.kind, verdict.fact) == (kind, fact)


def test_spf_of_those_who_include_each_other_ends() -> None:
    ring = {"example.org": ["v=spf1 include:b.example -all"], "b.example": ["v=spf1 include:example.org -all"]}
    assert spf("example.org", saying(ring)).fact == "lookups"


def test_nobody_answers_for_spf_and_dmarc() -> None:
    assert spf("example.org", saying({"example.org": "silent"})) == Verdict("silent")
    assert dmarc("example.org", saying({"_dmarc.example.org": "silent"})) == Verdict("silent")


@pytest.mark.parametrize(
    ("kind", "fact", "records"),
    [
        ("right", "", {"_dmarc.news.example.org": ["v=DMARC1; p=none"]}),
        ("right", "", {"_dmarc.news.example.org": ["v=DMARC1;p=Reject;rua=mailto:x@example.org", "other"]}),
        ("right", "above", {"_dmarc.example.org": ["v=DMARC1; p=quarantine"]}),
        ("missing", "", {}),
        ("missing", "", {"_dmarc.org": ["v=DMARC1; p=none"]}),
        ("missing", "", {"_dmarc.news.example.org": ["v=DMARC10; p=none"]}),
        ("wrong", "several", {"_dmarc.news.example.org": ["v=DMARC1; p=none", "v=DMARC1; p=reject"]}),
        ("wrong", "syntax", {"_dmarc.news.example.org": ["v=DMARC1; rua=mailto:x@example.org"]}),
        ("wrong", "syntax", {"_dmarc.news.example.org": ["v=DMARC1; p=nothing"]}),
    ],
)
def test_dmarc(kind: str, fact: str, records: dict[str, list[str]]) -> None:
    verdict = dmarc("news.example.org", saying(dict(records)))
    assert (verdict.kind, verdict.fact) == (kind, fact)
