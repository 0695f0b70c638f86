"""What the adapter does with files: backups, logs, and disks that do not let it."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conformance.orchestrator import BLOG, Ground, workload
from tests.orchestrators.ground import SMALL, broken, processes
from webstreet.control.orchestrators.base import Apply, Backup, CommandTooLong, OrchestratorError
from webstreet.control.orchestrators.processes import ProcessesOrchestrator
from webstreet.control.orchestrators.processes.commands import tail
from webstreet.control.orchestrators.processes.folder import Folder
from webstreet.control.orchestrators.processes.logfile import KEPT, LogFile
from webstreet.control.orchestrators.processes.orchestrator import BackupFailed, FolderUnusable
from webstreet.kernel.ids import SiteId

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    with processes(tmp_path) as ground:
        yield ground


def test_a_backup_holds_the_data_and_the_manifest(ground: Ground, tmp_path: Path) -> None:
    ground.run(workload(1))
    ground.orchestrator.run(BLOG, ["write", "note", "precious"])
    ground.orchestrator.apply(Backup(BLOG, "first"))
    seen = ground.seen()
    assert seen is not None
    kept = Path(seen.backup)
    assert kept == tmp_path / "backups" / "acme" / "blog" / "first"
    assert (kept / "data" / "note").read_text() == "precious"
    assert "title: Generation 1" in (kept / "site.yaml").read_text()


def test_a_backup_that_fails_keeps_nothing_and_says_why(ground: Ground, tmp_path: Path) -> None:
    ground.run(broken(workload(1), "backup"))
    with pytest.raises(BackupFailed, match="The sample cannot be backed up"):
        ground.orchestrator.apply(Backup(BLOG, "first"))
    seen = ground.seen()
    assert seen is not None
    assert (seen.backup, seen.backups) == ("", ())


def test_a_label_that_is_no_name_is_refused(ground: Ground) -> None:
    ground.run(workload(1))
    with pytest.raises(Exception, match="cannot be the name of a backup"):
        ground.orchestrator.apply(Backup(BLOG, "../../etc"))


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file, not a folder")
    orchestrator = ProcessesOrchestrator(tmp_path / "state", SMALL)
    with pytest.raises(FolderUnusable, match="state") as error:
        orchestrator.apply(Apply(BLOG, workload(1)))
    assert error.value.retry


def test_a_full_disk_is_told_and_leaves_no_wish_half_written(tmp_path: Path) -> None:
    """A limit on the size of files stands in for the full disk: the same call fails at the same place."""
    pid = os.fork()
    if not pid:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
        try:
            ProcessesOrchestrator(tmp_path, SMALL).apply(Apply(BLOG, workload(1)))
        except OrchestratorError as error:
            os._exit(0 if "free space" in error.message else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert not list(tmp_path.rglob("wanted.json"))
    with processes(tmp_path) as ground:
        assert ground.run(workload(1)).generation == 1


def test_folders_that_are_no_sites_are_left_alone(ground: Ground, tmp_path: Path) -> None:
    (tmp_path / "sites" / "Lost And Found" / "x").mkdir(parents=True)
    assert ground.orchestrator.observe() == {}


def test_a_command_dies_with_the_control_plane(ground: Ground, tmp_path: Path) -> None:
    ground.run(workload(1))
    code = (
        "import sys; from pathlib import Path; from tests.conformance.orchestrator import BLOG;"
        "from tests.orchestrators.ground import SMALL; from webstreet.control.orchestrators.processes import ProcessesOrchestrator;"
        f"ProcessesOrchestrator(Path({str(tmp_path)!r}), SMALL).run(BLOG, ['sleep'], on_line=lambda l: print(l, flush=True))"
    )
    control = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert control.stdout is not None
    command = int(control.stdout.readline())
    control.kill()
    control.wait()
    control.stdout.close()
    deadline = time.monotonic() + 10
    while alive(command):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return b") Z" not in Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False


def test_files_of_a_command_must_be_there(ground: Ground, tmp_path: Path) -> None:
    ground.run(workload(1))
    with pytest.raises(OrchestratorError) as error:
        ground.orchestrator.run(BLOG, ["say"], files=[tmp_path / "missing.sql"])
    assert error.value.error_code == "orchestrator.file_missing"


def test_foreign_errors_of_a_command_are_translated(ground: Ground) -> None:
    ground.run(workload(1))
    with pytest.raises(OrchestratorError):
        ground.orchestrator.run(BLOG, ["say", "nul \0 inside"])


def test_a_command_that_takes_too_long_is_ended_with_what_it_started(ground: Ground) -> None:
    ground.run(workload(1))
    pids: list[int] = []
    began = time.monotonic()
    with pytest.raises(CommandTooLong) as error:
        ground.orchestrator.run(BLOG, ["sleep"], on_line=lambda line: pids.append(int(line)), timeout_s=3)
    assert time.monotonic() - began < 20
    assert "had not ended after 3 s" in str(error.value)
    assert pids
    assert not alive(pids[0])
    assert ground.orchestrator.run(BLOG, ["say", "hello"], timeout_s=30).stdout == "hello\n"


# Logs


def test_logs_are_rotated_by_size_and_only_a_few_are_kept(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "web.log", 1000)
    for number in range(200):
        log.write(b"%098d\n\n" % number)
    log.close()
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert sizes == {"web.log": 1000, **{f"web.log.{n}": 1000 for n in range(1, KEPT + 1)}}
    assert b"%098d" % 199 in (tmp_path / "web.log").read_bytes()


def test_a_log_that_cannot_be_written_loses_lines_not_the_site(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("in the way")
    log = LogFile(tmp_path / "logs" / "web.log", 1000)
    log.write(b"lost\n")
    assert log.lost == 5
    (tmp_path / "logs").unlink()
    log.write(b"kept\n")
    log.close()
    assert (tmp_path / "logs" / "web.log").read_bytes() == b"kept\n"


def test_following_goes_on_across_a_rotation(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    log = LogFile(folder.logs / "web.log", 100)
    log.write(b"old\n")
    lines = tail(folder, "web", 10, True)
    assert next(lines) == "old"
    expected = [f"line {number}" for number in range(60)]
    heard = []
    for start in range(0, 60, 6):
        for line in expected[start : start + 6]:
            log.write(line.encode() + b"\n")
        heard += [next(lines) for _ in range(6)]
    log.close()
    assert heard == expected


def test_the_last_lines_of_all_are_the_newest_by_time(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    said = {
        "prepare": ['{"kind":"progress","step":"migrate","done":1,"total":2}'] * 9
        + ["2026-11-21T10:00:03Z no room left"],
        "web": ["2026-11-21T10:00:01.5Z one", "Traceback", "2026-11-21T10:00:04.232Z four"],
        "worker": ['{"at": "2026-11-21T10:00:02.000Z", "event": "two"}'],
    }
    for name, lines in said.items():
        log = LogFile(folder.logs / f"{name}.log", 10_000)
        log.write("".join(f"{line}\n" for line in lines).encode())
        log.close()
    everything = [
        "web: 2026-11-21T10:00:01.5Z one", "web: Traceback", f"worker: {said['worker'][0]}",
        "prepare: 2026-11-21T10:00:03Z no room left", "web: 2026-11-21T10:00:04.232Z four",
    ]  # fmt: skip
    assert list(tail(folder, "", 100, False)) == everything
    assert list(tail(folder, "", 2, False)) == everything[-2:]
    assert list(tail(folder, "", 0, False)) == []
    assert list(tail(folder, "prepare", 100, False)) == said["prepare"]


def test_an_unknown_log_names_the_known_ones(ground: Ground) -> None:
    ground.run(workload(1))
    with pytest.raises(OrchestratorError, match="web") as error:
        ground.orchestrator.logs(BLOG, process="nginx")
    assert error.value.error_code == "orchestrator.log_missing"


def test_many_new_sites_at_once_get_ports_of_their_own(ground: Ground) -> None:
    sites = [SiteId("acme", f"site-{number}") for number in range(12)]
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda site: ground.apply(workload(1, site, suspended=True)), sites))
    assert len({seen.address for seen in ground.orchestrator.observe().values()}) == len(sites)
