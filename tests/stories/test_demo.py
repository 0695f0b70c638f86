"""The demo: the whole path on one machine, and that it can fail. The demo itself checks from outside; here it is believed only
where it shows what it saw."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.meta.source import ROOT

DEMO = [sys.executable, str(ROOT / "scripts" / "demo")]
UP_WITHIN_S = 120.0
STEPS = (
    "Mail catcher shows its page",
    "Control plane answers",
    "Client Groupe 7 is there",
    "Site crispy-octo answers",
    "Dump of the old site is imported",
    "Public articles can be read",
    "Private and archived ones cannot",
    "Sign-up sends a confirmation mail",
    "Confirming sends the welcome mail",
    "Editor publishes an article",
    "Confirmed subscribers got one each",
    "One click unsubscribes",
    "Publishing again sends nothing",
    "Everything stops, nothing is left",
)


def environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("WEBSTREET_", "DEMO_", "DJANGO_")) and k != "ONCE"}
    return {**kept, "TMPDIR": str(folder), "PYTHONIOENCODING": "utf-8", **more}


def once(folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        DEMO, env=environment(folder, ONCE="1", **more), capture_output=True, text=True, timeout=280, check=False
    )


def processes_of(folder: Path) -> list[str]:
    """Command lines of everything that works in ``folder``."""
    found = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in found if str(folder) in line]


@pytest.mark.requirement("H11")
@pytest.mark.requirement("P1")
@pytest.mark.requirement("P2")
@pytest.mark.requirement("P3")
@pytest.mark.requirement("P4")
def test_once_shows_the_whole_path_and_leaves_nothing(tmp_path: Path) -> None:
    done = once(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.findall(r"^  ✓ (.{36}) *[\d.]+ s", done.stdout, re.M)
    assert [name.strip() for name in passed] == list(STEPS)
    assert "39 mails, 39 Message-IDs" in done.stdout
    assert "still 39; the next article: 38" in " ".join(done.stdout.split())
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert processes_of(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("broken", "step"),
    [
        ("smtp", "Sign-up sends a confirmation mail"),
        ("site", "Site crispy-octo answers"),
        ("import", "Dump of the old site is imported"),
    ],
)
def test_a_broken_part_fails_the_step_that_needs_it(tmp_path: Path, broken: str, step: str) -> None:
    done = once(tmp_path, DEMO_BREAK=broken)
    told = " ".join(done.stderr.split())
    assert done.returncode == 1, done.stdout + done.stderr
    assert f'The step "{step}" failed.' in told
    assert f"✗ {step}" in done.stdout
    assert "✓ Everything stops, nothing is left" in done.stdout
    logs = re.findall(r"^  (/\S+\.log)$", done.stderr, re.M)
    assert logs
    assert all(Path(log).exists() for log in logs)
    assert processes_of(tmp_path) == []


def test_what_cannot_be_broken_is_said(tmp_path: Path) -> None:
    done = once(tmp_path, DEMO_BREAK="everything")
    assert done.returncode == 2
    assert "smtp, site, import" in done.stderr


def start(state: Path, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            DEMO,
            env=environment(state.parent, DEMO_STATE=str(state)),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def await_up(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + UP_WITHIN_S
    while time.monotonic() < deadline:
        shown = log.read_text("utf-8")
        if "Ctrl-C stops everything" in shown:
            return shown
        assert process.poll() is None, shown
        time.sleep(0.2)
    raise AssertionError(log.read_text("utf-8"))


def address(shown: str, name: str) -> str:
    found = re.search(rf"^  {name} +(http://\S+)", shown, re.M)
    assert found, shown
    return found.group(1)


def test_it_stays_up_until_ctrl_c_and_keeps_its_state(tmp_path: Path) -> None:
    state, log = tmp_path / "state", tmp_path / "demo.log"
    process = start(state, log)
    try:
        shown = await_up(process, log)
        site, mailbox = address(shown, "Site"), address(shown, "Mailbox")
        with httpx.Client(trust_env=False, follow_redirects=True) as web:
            assert web.get(site).status_code == 200
            assert web.get(f"{mailbox}/messages.json").json()["total"] == 38
            links = re.findall(r"^(http://\S+)$", shown, re.M)
            assert len(links) == 2
            assert all(web.get(link).status_code == 200 for link in links)
        second = subprocess.run(
            DEMO,
            env=environment(tmp_path, DEMO_STATE=str(state)),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (second.returncode, f"(process {process.pid})" in second.stderr) == (1, True)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, log.read_text("utf-8")
        assert processes_of(state) == []

        process = start(state, log)
        again = await_up(process, log)
        assert address(again, "Site") == site
        assert "kept from before" in again
        assert "Editor publishes" not in again
        assert httpx.get(f"{address(again, 'Mailbox')}/messages.json", trust_env=False).json()["total"] == 38
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, log.read_text("utf-8")
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(60)
    assert processes_of(state) == []
