"""A process that ends with the one that started it, also when that is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

WITHIN_S = 20.0
PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen({child})
print(child.pid, flush=True)
time.sleep(60)
"""
WAIT = "import time; print('ready', flush=True); time.sleep(60)"
ASKS = f"import os; from webstreet.kernel.process import die_with_parent; die_with_parent(os.getppid()); {WAIT}"
BECOMES = f'[sys.executable, "-m", "webstreet.kernel.process", str(os.getpid()), sys.executable, "-c", {WAIT!r}]'


def runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("child", [f'[sys.executable, "-c", {ASKS!r}]', BECOMES], ids=["asks", "becomes"])
def test_it_ends_when_its_parent_is_killed(child: str) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT.format(child=child)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    said = {parent.stdout.readline().strip() for _ in range(2)}  # the number and "ready", in either order
    pid = int((said - {"ready"}).pop())
    parent.kill()
    parent.wait(WITHIN_S)
    parent.stdout.close()
    deadline = time.monotonic() + WITHIN_S
    while runs(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_one_whose_parent_has_gone_does_not_begin() -> None:
    command = [sys.executable, "-m", "webstreet.kernel.process", str(os.getpid() + 1), "echo", "begun"]
    done = subprocess.run(command, capture_output=True)
    assert (done.returncode, done.stdout) == (1, b"")


def test_a_program_that_is_not_there_is_named() -> None:
    command = [sys.executable, "-m", "webstreet.kernel.process", str(os.getpid()), "no-such-program"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (127, "no-such-program: No such file or directory\n")
