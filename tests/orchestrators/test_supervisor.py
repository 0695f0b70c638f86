"""What the supervisor of a site promises: its port, its processes, and what happens when any of them dies."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.conformance.orchestrator import BLOG, Ground, workload
from tests.orchestrators.ground import SMALL, broken, processes
from tests.orchestrators.load import Load
from tests.orchestrators.test_killed_control import supervised
from webstreet.control.orchestrators.base import SeenSite, SiteState
from webstreet.control.orchestrators.processes.folder import Folder, read_json, runs, write_json
from webstreet.control.orchestrators.processes.supervision import MODULE, PortTaken, supervisor_pid
from webstreet.kernel.errors import Sentence


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    with processes(tmp_path) as ground:
        yield ground


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "sites" / "acme" / "blog")


def port(seen: SeenSite) -> int:
    return urlsplit(seen.address).port or 0


def ask(number: int, path: str = "/", method: str = "GET", **headers: str) -> tuple[http.client.HTTPResponse, str]:
    connection = http.client.HTTPConnection("127.0.0.1", number, timeout=10)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response, body


def eventually(holds: Callable[[], Any], within_s: float = 15) -> Any:
    deadline = time.monotonic() + within_s
    while True:
        if found := holds():
            return found
        assert time.monotonic() < deadline
        time.sleep(0.02)


def killed(folder: Folder) -> int:
    """kill -9 of the supervisor; its pid."""
    pid = supervisor_pid(folder)
    assert pid
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: supervisor_pid(folder) is None)
    return pid


# The port


@pytest.mark.parametrize(
    ("asked", "spoken", "word"),
    [
        ("fr-FR,fr;q=0.9,en;q=0.8", "fr", "en pause"),
        ("en", "en", "paused"),
        ("de, fr;q=0.3, en;q=0.2", "fr", "en pause"),
        ("", "en", "paused"),
        ("fr;q=0, de", "en", "paused"),
        ("fr;q=0.0.1", "en", "paused"),
    ],
)
def test_a_suspended_site_says_so_in_the_readers_language(ground: Ground, asked: str, spoken: str, word: str) -> None:
    ground.apply(workload(1, suspended=True))
    seen = ground.until(lambda s: s.state is SiteState.SUSPENDED)
    response, body = ask(port(seen), "/articles/?q=1", **{"Accept-Language": asked})
    assert response.status == 503
    assert response.getheader("Retry-After") == "3600"
    assert response.getheader("Content-Language") == spoken
    assert response.getheader("Cache-Control") == "no-store"
    assert word in body
    assert f'<html lang="{spoken}">' in body


def test_a_site_that_finishes_its_last_requests_is_stopping(ground: Ground, folder: Folder) -> None:
    seen = ground.run(workload(1))
    slow = threading.Thread(target=ask, args=(port(seen), "/slow"))
    slow.start()
    eventually(lambda: "slow" in (folder.logs / "web.log").read_text().split())
    ground.apply(workload(2, suspended=True))
    states = []
    ground.until(lambda s: states.append(s.state) or s.state is SiteState.SUSPENDED)
    slow.join()
    assert SiteState.STOPPING in states
    assert SiteState.STARTING not in states[states.index(SiteState.STOPPING) :]


@pytest.mark.parametrize(("missing", "state"), [("mail", SiteState.RUNNING), ("needed database", SiteState.FAILING)])
def test_what_a_running_site_lacks_is_said(ground: Ground, missing: str, state: SiteState) -> None:
    ground.apply(workload(1, SAMPLE_MISSING=missing))
    seen = ground.until(lambda s: "something is missing" in s.note)
    assert (seen.state, seen.generation) == (state, 1)
    assert f"{missing.removeprefix('needed ')}: does not answer" in seen.note


def test_head_and_post_are_answered_too(ground: Ground) -> None:
    ground.apply(workload(1, suspended=True))
    seen = ground.until(lambda s: s.state is SiteState.SUSPENDED)
    response, body = ask(port(seen), method="HEAD")
    assert (response.status, body) == (503, "")
    with socket.create_connection(("127.0.0.1", port(seen)), timeout=10) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000)
        assert connection.makefile("rb").read().startswith(b"HTTP/1.1 503")


def test_a_site_that_is_not_ready_yet_is_announced(ground: Ground) -> None:
    ground.apply(broken(workload(1), "never"))
    seen = ground.until(lambda s: s.accepted == 1)
    response, body = ask(port(seen), **{"Accept-Language": "fr"})
    assert (response.status, response.getheader("Retry-After")) == (503, "5")
    assert "Ce site arrive" in body


def test_slow_and_silent_visitors_do_not_close_the_door_to_others(ground: Ground) -> None:
    ground.apply(workload(1, suspended=True))
    number = port(ground.until(lambda s: s.state is SiteState.SUSPENDED))
    silent = [socket.create_connection(("127.0.0.1", number)) for _ in range(30)]
    assert ask(number)[0].status == 503
    for connection in silent:
        connection.close()


# Updates


@pytest.mark.requirement("H7")
def test_no_request_is_lost_in_updates_good_or_broken(ground: Ground) -> None:
    number = port(ground.run(workload(1)))
    with Load(number) as load, Load(number, "/slow") as slow:
        for generation in range(2, 12):
            wish = workload(generation)
            if generation % 3 == 0:
                ground.apply(broken(wish, ("prepare", "web", "never")[generation // 3 - 1]))
                ground.until(lambda s, g=generation: s.accepted == g and s.state is SiteState.RUNNING)
            else:
                ground.run(wish)
    assert load.failures == slow.failures == []
    assert load.generations == {1, 2, 4, 5, 7, 8, 10, 11}
    assert load.answers + slow.answers > 100


@pytest.mark.requirement("H7")
@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("prepare", "The sample cannot be prepared. [sample.broken]"),
        ("web", "exit code 3"),
        ("never", "its database does not answer"),
    ],
)
def test_a_failing_generation_says_why_and_the_old_one_serves(tmp_path: Path, part: str, says: str) -> None:
    with processes(tmp_path, replace(SMALL, ready_s=0.5)) as ground:
        ground.run(workload(1))
        ground.apply(broken(workload(2), part))
        seen = ground.until(lambda s: says in s.note)
        assert (seen.state, seen.generation, seen.accepted) == (SiteState.RUNNING, 1, 2)


def test_the_old_generation_serves_again_after_its_supervisor_was_killed(ground: Ground, folder: Folder) -> None:
    ground.run(workload(1))
    ground.apply(broken(workload(2)))
    ground.until(lambda s: bool(s.note))
    killed(folder)
    ground.apply(broken(workload(2)))
    seen = ground.until(lambda s: s.state is SiteState.RUNNING and bool(s.note))
    assert seen.generation == 1


def test_generations_that_are_over_are_forgotten(ground: Ground, folder: Folder) -> None:
    for generation in (1, 2, 3):
        ground.run(workload(generation))
    eventually(lambda: [p.name for p in folder.generations.iterdir()] == ["3"])


# Processes that die


def test_a_crashed_web_process_is_started_again_and_its_visitors_wait(ground: Ground) -> None:
    before = ground.run(workload(1))
    with pytest.raises((OSError, http.client.HTTPException)):
        ask(port(before), "/crash")
    with Load(port(before)) as load:
        restarts = {"supervisor": 0, "web": 1, "worker": 0}
        ground.until(lambda s: s.state is SiteState.RUNNING and {p.name: p.restarts for p in s.processes} == restarts)
    assert load.failures == []


def test_a_worker_that_keeps_ending_is_told(ground: Ground) -> None:
    ground.apply(broken(workload(1), "worker"))
    seen = ground.until(lambda s: s.state is SiteState.FAILING)
    assert "background work" in seen.note
    assert isinstance(seen.note, Sentence)
    assert seen.note.code == "worker.failing"
    assert "exit code 4" in seen.note
    assert ask(port(seen))[0].status == 200


def test_a_killed_supervisor_takes_its_processes_along_and_comes_back_on_its_port(
    ground: Ground, folder: Folder, tmp_path: Path
) -> None:
    before = ground.run(workload(1))
    killed(folder)
    eventually(lambda: supervised(folder.path) == [])
    seen = ground.seen()
    assert seen is not None
    assert (seen.state, seen.accepted, seen.generation) == (SiteState.FAILING, None, None)
    after = ground.run(workload(1))
    assert after.address == before.address


def test_left_over_processes_are_ended_before_new_ones_start(ground: Ground, folder: Folder) -> None:
    ground.run(workload(1))
    stubborn = subprocess.Popen(
        [sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(99)"],
        env={"WEBSTREET_SUPERVISED": str(folder.path)}, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert stubborn.stdout is not None
    stubborn.stdout.readline()
    killed(folder)
    ground.run(workload(1))
    assert stubborn.wait(5) == -signal.SIGKILL
    stubborn.stdout.close()


def test_the_pid_of_another_process_is_not_believed(ground: Ground, folder: Folder) -> None:
    ground.run(workload(1))
    killed(folder)
    stale = read_json(folder.seen)
    assert stale is not None
    write_json(folder.seen, stale | {"pid": os.getpid()})
    seen = ground.seen()
    assert seen is not None
    assert seen.accepted is None
    ground.orchestrator.halt()
    ground.run(workload(1))
    now = read_json(folder.seen)
    assert now is not None
    assert runs(now)
    assert not runs(now | {"boot": "of another day"})
    assert not runs(now | {"start": now["start"] + 1})
    assert not runs({"pid": "1"})
    assert not runs(None)


def test_two_supervisors_of_one_site_cannot_be(ground: Ground, folder: Folder) -> None:
    ground.run(workload(1))
    first = supervisor_pid(folder)
    tries = [subprocess.run([sys.executable, "-m", MODULE, str(folder.path)], check=False).returncode for _ in range(2)]
    assert tries == [3, 3]
    killed(folder)
    eventually(lambda: supervised(folder.path) == [])
    command = [sys.executable, "-m", MODULE, str(folder.path)]
    codes: list[int] = []
    threads = [
        threading.Thread(target=lambda: codes.append(subprocess.run(command, check=False).returncode)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [0, 3, 3, 3]
    assert supervisor_pid(folder) != first


def test_a_port_taken_by_another_program_is_told_and_awaited(ground: Ground, folder: Folder) -> None:
    number = port(ground.run(workload(1)))
    ground.orchestrator.halt()
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(("127.0.0.1", number))
        thief.listen()
        with pytest.raises(PortTaken, match=str(number)) as error:
            ground.apply(workload(1))
        assert error.value.retry
    assert port(ground.run(workload(1))) == number


def test_a_damaged_document_heals(ground: Ground, folder: Folder) -> None:
    ground.run(workload(1))
    folder.seen.write_text("{")
    assert ground.run(workload(1)).generation == 1
    folder.seen.unlink()
    assert ground.run(workload(1)).generation == 1


def test_a_supervisor_whose_folder_vanished_ends(ground: Ground, folder: Folder) -> None:
    ground.run(workload(1))
    folder.wanted.unlink()
    eventually(lambda: supervisor_pid(folder) is None)
    eventually(lambda: supervised(folder.path) == [])


def test_halt_stops_everything_and_keeps_everything(ground: Ground, folder: Folder) -> None:
    before = ground.run(workload(1))
    ground.orchestrator.run(BLOG, ["write", "note", "kept"])
    ground.orchestrator.halt()
    assert supervised(folder.path) == []
    ground.orchestrator.halt()
    after = ground.run(workload(1))
    assert after.address == before.address
    assert (folder.data / "note").read_text() == "kept"


# Small, and silent about secrets


def test_a_supervisor_is_small(ground: Ground, folder: Folder) -> None:
    ground.run(workload(1))
    rollup = Path(f"/proc/{supervisor_pid(folder)}/smaps_rollup").read_text()
    kilobytes = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    assert kilobytes < 20_000


def test_nothing_of_controls_environment_and_no_secret_reaches_where_it_can_be_read(
    ground: Ground, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTROL_CANARY", "of the control plane")
    seen = ground.run(workload(1))
    printed = ground.orchestrator.run(BLOG, ["environment"]).stdout
    secret = Path(json.loads(printed)["SECRET_KEY_FILE"])
    assert "nobody may see" in secret.read_text()
    assert (secret.stat().st_mode & 0o777, secret.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    pids = [p.pid for p in seen.processes]
    texts = [printed, *(Path(f"/proc/{pid}/{name}").read_text() for pid in pids for name in ("environ", "cmdline"))]
    texts += [path.read_text() for path in folder.path.rglob("*") if path.is_file() and path.parent.name != "secrets"]
    for text in texts:
        assert "nobody may see" not in text
        assert "CONTROL_CANARY" not in text
    modes = {path: path.stat().st_mode & 0o077 for path in folder.path.rglob("*")}
    open_to_others = [path for path, mode in modes.items() if mode and folder.data not in path.parents]
    assert open_to_others == []


def test_the_supervisor_needs_the_standard_library_only() -> None:
    code = f"import sys; before = set(sys.modules); import {MODULE}; print(*(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    foreign = {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names)
    assert foreign == {"webstreet"}
    kernel = {name for name in loaded if name.startswith("webstreet.kernel")}
    assert kernel == {"webstreet.kernel", "webstreet.kernel.errors", "webstreet.kernel.process"}
    assert not {name for name in loaded if name.startswith("webstreet.contract")}


# A process that hangs


def test_a_web_process_that_hangs_is_replaced(tmp_path: Path) -> None:
    with processes(tmp_path, replace(SMALL, probe_s=0.5, stop_s=1)) as ground:
        ground.apply(workload(1))
        seen = ground.until(lambda s: s.state is SiteState.RUNNING)
        (hung,) = (process.pid for process in seen.processes if process.name == "web")
        assert hung
        os.kill(hung, signal.SIGSTOP)
        after = ground.until(
            lambda s: (
                s.state is SiteState.RUNNING and any(p.name == "web" and p.pid not in (None, hung) for p in s.processes)
            )
        )
        assert ask(port(after))[0].status == 200
        assert [process.restarts for process in after.processes if process.name == "web"] == [1]


def test_a_web_process_that_answers_is_left_alone(tmp_path: Path) -> None:
    with processes(tmp_path, replace(SMALL, probe_s=0.1)) as ground:
        ground.apply(workload(1))
        before = ground.until(lambda s: s.state is SiteState.RUNNING)
        with Load(port(before)) as load:
            eventually(lambda: load.answers > 200, within_s=30)
        after = ground.seen()
        assert after is not None
        assert [(p.name, p.pid) for p in after.processes] == [(p.name, p.pid) for p in before.processes]
