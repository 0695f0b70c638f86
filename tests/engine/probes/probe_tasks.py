"""Tasks that leave traces in PROBE_FILE, for tests that run real workers."""

from __future__ import annotations

import os
import sys
import time

from django.db import DatabaseError

from webstreet.engine.tasks import nothing_else_to_do, task, ticks


def trace(word: str) -> None:
    with open(os.environ["PROBE_FILE"], "a") as file:
        file.write(f"{word}\n")


@task(queue="interactive")
def soon(word: str) -> None:
    trace(word)


@task(queue="bulk")
def later(word: str) -> None:
    trace(word)


@task(queue="bulk")
def slow_once(word: str) -> None:
    """Hangs the first time, so that a test can kill the worker in the middle."""
    first = not os.path.exists(os.environ["PROBE_FILE"])
    trace(word)
    if first:
        time.sleep(60)


@task(queue="bulk")
def goes_on_while_nobody_waits(word: str) -> None:
    ticks.clear()  # One that is due would end it too.
    end = time.monotonic() + 60
    asked = 0
    while nothing_else_to_do() and time.monotonic() < end:
        asked += 1
        if asked == 10:
            trace(f"{word}-goes-on")
        time.sleep(0.01)
    trace(f"{word}-ends")


@task(queue="interactive", atom="newsletter")
def of_newsletter(word: str) -> None:
    trace(word)


@task(queue="interactive")
def fails_with_an_address(word: str) -> None:
    try:
        raise DatabaseError("Key (email)=(canary.person@example.org) already exists")
    except DatabaseError as error:
        raise ValueError("canary.person@example.org") from error


@task(queue="interactive")
def publish(title: str) -> None:
    """What an editor does with a button; leaves the moment after its transaction was committed, in seconds since the epoch."""
    from wagtail.models import Site
    from wagtail.rich_text import RichText

    from webstreet.atoms.articles.models import Article

    article = Article(title=title, live=False, body=[("text", RichText("<p>Words.</p>"))])
    Site.objects.get(is_default_site=True).root_page.add_child(instance=article)
    article.save_revision().publish()
    trace(str(time.time()))


@task(queue="interactive")
def says_what_is_loaded(names: list[str]) -> None:
    """Those of ``names`` that this worker has loaded, after an address for a mail was made."""
    from webstreet.atoms.newsletter import mails

    trace(mails.url("undo", "abc"))
    for name in names:
        if name in sys.modules:
            trace(name)
    trace("said")


@task(queue="interactive")
def asks_for_the_admin() -> None:
    from django.urls import reverse

    trace(reverse("wagtailadmin_home"))


@task(queue="interactive")
def links_home_in_the_menu() -> None:
    """Traces how many references Wagtail has noted to the home page: the menu's links are a snippet made by a hook."""
    from wagtail.models import ReferenceIndex, Site

    from webstreet.atoms.menu.models import MenuLink

    home = Site.objects.get(is_default_site=True).root_page
    MenuLink.objects.create(label="Home", page=home)
    trace(str(ReferenceIndex.get_references_to(home).count()))
