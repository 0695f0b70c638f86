"""The words for what DNS has, the SPF record to begin with, and return paths: nothing here needs a database."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from webstreet.atoms.newsletter import mails, verdicts
from webstreet.atoms.newsletter.atom import Params
from webstreet.atoms.newsletter.models import DnsRecord
from webstreet.mail import records


def test_return_paths_are_bound_to_the_secret(parameters, settings):
    parameters(bounce_address="bounces@example.org")
    made = mails.return_paths().make("d-7")
    assert mails.return_paths().read(made) == "d-7"
    settings.SECRET_KEY = "another" * 10
    assert mails.return_paths().read(made) is None
    parameters(bounce_address="")
    assert mails.return_paths() is None


@pytest.mark.parametrize("address", ["bounces+x@example.org", "a-name-that-is-far-too-long@example.org", "nothing"])
def test_a_mailbox_that_cannot_be_added_to_is_refused_with_the_parameters(address):
    with pytest.raises(ValidationError):
        Params(bounce_address=address)


@pytest.mark.parametrize(
    ("url", "record"),
    [
        ("smtp://mail.example.org:25", "v=spf1 a:mail.example.org ~all"),
        ("smtp://localhost:25", "v=spf1 mx ~all"),
        ("smtp://127.0.0.1:25", "v=spf1 mx ~all"),
        ("smtp://9.9.9.9 smtps://mail.example.org", "v=spf1 ip4:9.9.9.9 a:mail.example.org ~all"),
        ("nonsense", "v=spf1 mx ~all"),
    ],
)
def test_the_spf_record_to_begin_with(url, record, monkeypatch):
    monkeypatch.setenv("EMAIL_URL", url)
    assert verdicts.suggested_spf() == record


def test_every_verdict_has_its_words():
    for purpose, kind, fact in (said.split(" ") for said in verdicts._SAID):
        assert verdicts.words(DnsRecord(purpose=purpose, kind=kind, fact=fact))
    facts = re.findall(r"``(\w+)``", (records.dkim.__doc__ or "") + (records.spf.__doc__ or ""))
    facts += re.findall(r"``(\w+)``", records.dmarc.__doc__ or "")
    kinds = {"missing", "wrong", "right", "all", "name", "domain", "expected"}
    assert {fact for fact in facts if fact not in kinds} == {said.split(" ")[2] for said in verdicts._SAID} - {""}
