"""Real worker processes on both task backends: quick, ordered, and survived by their work when they are killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

BACKENDS = ["database", "rq"]


@pytest.fixture(params=BACKENDS)
def site(request, site_processes):
    extra = {}
    if request.param == "rq":
        extra = {"REDIS_URL": request.getfixturevalue("redis_url"), "SECRET_KEY": "only-for-tests-" * 5}
    found = site_processes(**extra)
    found.documents("prepare")
    return found


ENQUEUE = """
import probe_tasks as p
from django.db import transaction
from webstreet.engine.tasks import enqueue_on_commit
"""


@pytest.mark.requirement("P6")
def test_interactive_before_bulk_and_a_rolled_back_transaction_leaves_nothing(site, wait_until):
    site.python(
        ENQUEUE
        + """
with transaction.atomic():
    for word in ("b1", "b2", "b3"):
        enqueue_on_commit(p.later, word)
    enqueue_on_commit(p.soon, "i1")
    enqueue_on_commit(p.of_newsletter, "n1")
try:
    with transaction.atomic():
        enqueue_on_commit(p.soon, "never")
        raise RuntimeError
except RuntimeError:
    pass
"""
    )
    worker = site.start("work")
    wait_until(lambda: len(site.probe()) >= 5, what="five tasks")
    assert site.probe() == ["i1", "n1", "b1", "b2", "b3"]
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(10) == 0
    assert site.probe() == ["i1", "n1", "b1", "b2", "b3"]


def test_a_fresh_task_starts_soon(site, wait_until):
    site.start("work")
    wait_until(lambda: "worker.started" in site.log(), what="the worker")
    delays = site.python(
        ENQUEUE
        + """
import os, time
seen = []
for number in range(5):
    path = os.environ["PROBE_FILE"]
    p.soon.enqueue(f"w{number}")
    began = time.monotonic()
    while not (os.path.exists(path) and f"w{number}" in open(path).read()) and time.monotonic() < began + 10:
        time.sleep(0.005)
    seen.append(time.monotonic() - began)
    time.sleep(0.3)
print(sorted(seen)[2])
"""
    )
    # The median, because the machine that runs the tests does other things too.
    assert float(delays.split()[-1]) < 0.3


def test_a_step_goes_on_until_somebody_waits_or_the_worker_is_to_stop(site, wait_until):
    site.python(ENQUEUE + "p.goes_on_while_nobody_waits.enqueue('s1')")
    worker = site.start("work")
    wait_until(lambda: site.probe() == ["s1-goes-on"], what="the step goes on")
    site.python(ENQUEUE + "p.later.enqueue('b1')")
    wait_until(lambda: len(site.probe()) == 3, what="who waits")
    assert site.probe() == ["s1-goes-on", "s1-ends", "b1"]
    site.python(ENQUEUE + "p.goes_on_while_nobody_waits.enqueue('s2')")
    wait_until(lambda: site.probe()[3:] == ["s2-goes-on"], what="the next step goes on")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0
    assert site.probe()[3:] == ["s2-goes-on", "s2-ends"]


def test_what_a_killed_worker_was_doing_is_done_by_the_next(site, wait_until):
    site.python(ENQUEUE + "p.slow_once.enqueue('once')")
    first = site.start("work")
    wait_until(lambda: site.probe() == ["once"], what="the task begins")
    first.kill()
    first.wait(10)
    began = time.monotonic()
    site.start("work")
    wait_until(lambda: site.probe() == ["once", "once"], what="the task begins again")
    assert time.monotonic() - began < 25


def test_errors_hold_no_address_in_queue_or_log(site, wait_until):
    site.python(ENQUEUE + "p.fails_with_an_address.enqueue('1')\np.soon.enqueue('after')")
    site.start("work")
    wait_until(lambda: "after" in site.probe(), what="the task after the failing one")
    assert "canary.person" not in site.log()
    assert "task.failed" in site.log()
    stored = site.python(
        """
from django.conf import settings
if settings.WEBSTREET_ENVIRONMENT.redis_url:
    import redis, zlib
    r = redis.Redis.from_url(settings.WEBSTREET_ENVIRONMENT.redis_url)
    for key in r.keys("*"):
        value = r.dump(key) or b""
        print(key, value)
        if r.type(key) == b"hash":
            for v in r.hgetall(key).values():
                try: print(zlib.decompress(v))
                except zlib.error: print(v)
        if r.type(key) == b"stream":
            print(r.xrange(key))
            for _, fields in r.xrange(key):
                for v in fields.values():
                    try:
                        import base64; print(zlib.decompress(base64.b64decode(v)))
                    except Exception: pass
else:
    from django_tasks_db.models import DBTaskResult
    for row in DBTaskResult.objects.values_list():
        print(row)
"""
    )
    assert "fails_with_an_address" in stored
    assert "canary" not in stored


ADMIN = [
    "fido2",
    "ninja",
    "wagtail.admin.urls",
    "wagtail.admin.wagtail_hooks",
    "wagtail.api.v3",
    "webstreet.atoms.newsletter.admin.urls",
    "webstreet.engine.urls",
]


def test_a_worker_loads_the_admin_only_when_a_task_needs_it(site, wait_until):
    site.start("work")
    site.python(ENQUEUE + f"p.says_what_is_loaded.enqueue({ADMIN})")
    wait_until(lambda: "said" in site.probe(), what="what is loaded")
    *loaded, _said = site.probe()
    assert loaded == [f"{site.environ['BASE_URL']}/newsletter/undo/abc/"]
    site.python(ENQUEUE + "p.links_home_in_the_menu.enqueue()\np.asks_for_the_admin.enqueue()")
    wait_until(lambda: len(site.probe()) == 4, what="an address in the admin")
    assert site.probe()[2:] == ["1", "/admin/"]


UNUSED = ("dns", "html5lib", "jinja2", "markdown", "nh3", "ninja", "psycopg", "pygments", "redis", "wagtail.api.v3")
STARTED = f"""
import sys
from webstreet.engine.starting import set_up
set_up()
assert "wagtail.admin.wagtail_hooks" in sys.modules
from webstreet.engine.tasks import worker
from django.urls import get_resolver
get_resolver().url_patterns
assert "wagtail.admin.urls" in sys.modules
print(*(name for name in {UNUSED} if sys.modules.get(name)))
import pygments  # who needs one of them can have it
import ninja
from wagtail.api.v3.api import api
assert isinstance(api, ninja.NinjaAPI)
"""
WITH_API = """
from django.conf import settings
settings.INSTALLED_APPS.append("wagtail.api.v3")
from webstreet.engine.starting import set_up
set_up()
from wagtail.api.v3.registry import registry
print(registry.has("wagtailimages.Image"))
"""


def _python(site_processes, code):
    environment = site_processes().environ | {"DJANGO_SETTINGS_MODULE": "webstreet.engine.settings"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_process_starts_without_what_its_site_does_not_have_and_what_is_seldom_or_never_used(site_processes):
    assert _python(site_processes, STARTED) == []


def test_wagtails_api_is_there_when_its_app_is_installed(site_processes):
    assert _python(site_processes, WITH_API) == ["True"]
