"""What is kept of a server's words: enough to know why, and nobody's address."""

from __future__ import annotations

import pytest

from webstreet.mail.reply import TOLD_MAX, Reply

ADA = "ada.l@example.org"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("5.1.1 <ada.l@example.org>: Recipient address rejected", "<…>: Recipient address rejected"),
        ("5.1.1 ADA.L@Example.ORG unknown", "… unknown"),
        ("No such user ada.l here", "No such user … here"),
        ("ada.lovelace is another, and so is nada.l", "ada.lovelace is another, and so is nada.l"),
        ("ask postmaster@example.net, or a+b@c.example", "ask …, or …"),
        ("4.7.1 Greylisted\r\n try   again\x07 later", "Greylisted try again later"),
        ("", ""),
        ("x" * 1000, "x" * TOLD_MAX),
    ],
)
def test_told(text, told):
    assert Reply(550, text).told(ADA) == told
