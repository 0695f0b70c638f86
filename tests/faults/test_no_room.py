"""No file of the site may grow: a full disk as one process sees it. Unlike a small disk (test_disk.py) this needs no right to mount."""

from __future__ import annotations

import contextlib
import resource
import sqlite3
from collections.abc import Callable

import pytest

from tests.faults.site import HOME, MADE_ANEW, Site, descendants, until
from webstreet.testing.smtp import RecordingSmtpServer

pytestmark = pytest.mark.timeout(900)


@pytest.mark.requirement("P4")
def test_what_cannot_be_written_is_refused_in_words(site_of: Callable[..., Site], smtp: RecordingSmtpServer) -> None:
    site = site_of(EMAIL_URL=smtp.url)
    web, worker = site.open()
    assert site.sign_up(1).status == 200
    until(lambda: smtp.to("reader1@example.org"), what=site.log)
    limits = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in [web.pid, *descendants(web.pid)]}
    # SQLite writes to its log first; the next byte of that is one too many.
    for pid, (_soft, hard) in limits.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, hard))
    refused = site.sign_up(2)
    assert refused.status == 503, refused.text
    assert "/theme/paper." in refused.text, "the page is in the site's own dress"
    assert int(refused.headers["retry-after"]) > 0
    assert [site.get(path).status for path in (HOME, MADE_ANEW)] == [200, 200], "it goes on showing what it has"
    for pid, limit in limits.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limit)
    until(lambda: site.sign_up(3).status == 200, what=site.log)
    until(lambda: smtp.to("reader3@example.org"), what=site.log)
    assert not smtp.to("reader2@example.org")
    assert web.poll() is worker.poll() is None
    site.end()
    for path in site.data.glob("*.sqlite3"):
        with contextlib.closing(sqlite3.connect(path)) as file:
            assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",), path.name
