"""Which workers live, so that the work of a dead one is found."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from django.db import models
from django.utils import timezone


class WorkerSeen(models.Model):
    """One row a worker process; ``name`` is host:pid:start time of the process (clock ticks since boot)."""

    name = models.CharField(max_length=200, primary_key=True)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        app_label = "engine"

    def __str__(self) -> str:
        return self.name

    @classmethod
    def of_this_machine(cls) -> models.QuerySet[WorkerSeen]:
        return cls.objects.filter(name__startswith=f"{socket.gethostname()}:")


def own_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{start_time(os.getpid())}"


def start_time(pid: int) -> str:
    """Field 22 of /proc/PID/stat; empty when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]


def is_gone(name: str) -> bool:
    """Whether the named worker ran on this machine and certainly runs no more. False for other machines: unknown."""
    place, _, started = name.rpartition(":")
    host, _, pid = place.rpartition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    return start_time(int(pid)) != started
