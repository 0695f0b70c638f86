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


def test_several() -> None:
    found = EmailUrl.parse_all(
        """
        smtp+tls://ada:hunter2@backup.example.org?order=2&name=backup
        smtps://mail.example.org?weight=3&connections=8&per_connection=20 smtp://[::1]:2525
        """
    )
    assert [(url.name, url.order, url.weight) for url in found] == [
        ("mail.example.org:465", 1, 3), ("::1:2525", 1, 1), ("backup", 2, 1)
    ]  # fmt: skip
    assert (found[0].connections, found[0].per_connection) == (8, 20)
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    "text",
    [
        " \n ",
        "smtp://u:hunter2@h smtp://v:hunter2@h",
        "smtp://u:hunter2@h?order=0",
        "smtp://u:hunter2@h?weight=many",
        "smtp://u:hunter2@h?connections=101",
        "smtp://u:hunter2@h?name=a%20b",
        "smtp://u:hunter2@h?colour=blue",
        "smtp://u:hunter2@h, smtp://g",
    ],
)
def test_several_refused(text: str) -> None:
    with pytest.raises(EmailUrlInvalid) as caught:
        EmailUrl.parse_all(text)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "name", "host", "key", "api", "stream"),
    [
        ("mailgun://k%2Fey@news.example.org", "mailgun:news.example.org", "news.example.org", "k/ey", "", ""),
        ("mailjet://key:secret@?rate=14/s", "mailjet", "", "key:secret", "", ""),
        ("postmark://key@?stream=broadcast&name=bulk", "bulk", "", "key", "", "broadcast"),
        ("brevo://key@?api=https://api.example.org/v3", "brevo", "", "key", "https://api.example.org/v3", ""),
        ("resend://key@?api=http://127.0.0.1:8000/", "resend", "", "key", "http://127.0.0.1:8000/", ""),
    ],
)
def test_the_api_of_a_provider(text: str, name: str, host: str, key: str, api: str, stream: str) -> None:
    url = EmailUrl.parse(text)
    assert (url.name, url.host, url.password.reveal(), url.api, url.stream) == (name, host, key, api, stream)
    assert url.provider == text.partition(":")[0]
    assert key not in repr(url)
    assert str(url) == f"{name} (API)"


@pytest.mark.parametrize(
    "text",
    [
        "mailgun://hunter2@",
        "mailgun://news.example.org",
        "mailgun://hunter2:hunter2@news.example.org",
        "mailjet://hunter2@",
        "postmark://hunter2@host",
        "postmark://hunter2%20x@",
        "resend://@",
        "brevo://hunter2@?stream=x",
        "brevo://hunter2@?api=http://elsewhere.example/",
        "brevo://hunter2@?api=https://user:hunter2@elsewhere.example/",
        "brevo://hunter2@?api=https://[x",
        "smtp://host?api=https://api.example.org",
        "sendgrid://hunter2@",
        "amazon-ses://hunter2@",
    ],
)
def test_the_api_of_a_provider_refused(text: str) -> None:
    with pytest.raises(EmailUrlInvalid) as caught:
        EmailUrl.parse(text)
    assert "hunter2" not in str(caught.value)
