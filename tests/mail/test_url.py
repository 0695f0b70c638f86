"""EMAIL_URL, read without ever showing a password."""

from __future__ import annotations

import pytest

from webstreet.mail.errors import EmailUrlInvalid
from webstreet.mail.url import EmailUrl


@pytest.mark.requirement("P7")
@pytest.mark.parametrize(
    ("text", "host", "port", "protection", "user", "password"),
    [
        ("smtp://localhost:25", "localhost", 25, "opportunistic", "", ""),
        ("smtp://mail.example.org", "mail.example.org", 25, "opportunistic", "", ""),
        ("smtp+tls://ada:s%40cret@mail.example.org", "mail.example.org", 587, "starttls", "ada", "s@cret"),
        (
            "smtps://ada%40example.org:p:w@mail.example.org:2465",
            "mail.example.org",
            2465,
            "tls",
            "ada@example.org",
            "p:w",
        ),
        ("smtp://[::1]:2525/", "::1", 2525, "opportunistic", "", ""),
    ],
)
def test_read(text: str, host: str, port: int, protection: str, user: str, password: str) -> None:
    url = EmailUrl.parse(text)
    assert (url.host, url.port, url.protection, url.user, url.password.reveal()) == (
        host,
        port,
        protection,
        user,
        password,
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mail.example.org",
        "http://mail.example.org",
        "smtp://",
        "smtp://h:99999",
        "smtp://h:x",
        "smtp://u:hunter2/x@h/p",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(EmailUrlInvalid) as caught:
        EmailUrl.parse(text)
    assert "hunter2" not in str(caught.value)


def test_password_is_never_shown() -> None:
    url = EmailUrl.parse("smtps://ada:hunter2@mail.example.org")
    assert "hunter2" not in repr(url) + str(url)
