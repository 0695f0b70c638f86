"""Asking a site's web process whether it still answers: one that hangs does not end, so nothing else would notice.

Standard library only, and little of it: every site has a supervisor.
"""

from __future__ import annotations

import socket
import threading

from webstreet.control.orchestrators.processes.child import Child

PATH = "/-/live"
MOST_SILENCES = 3


class Probe:
    """Asks again and again, each time in a thread of its own, so that the supervisor never waits.

    Any answer counts, also an error: only silence is counted, and it begins anew with every process.

    Args:
        address: where the site listens. host: the name it expects to be asked by.
        every_s: seconds between two questions, and how long each waits for its answer.
    """

    def __init__(self, address: tuple[str, int], host: str, every_s: float) -> None:
        self._address = address
        self._request = f"GET {PATH} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        self._every_s = every_s
        self._child: Child | None = None
        self._silences = 0
        self._next = 0.0
        self._asking: threading.Thread | None = None

    def forget(self) -> None:
        """Count anew: now an answer could be another process's."""
        self._child = None

    def tick(self, child: Child, now: float) -> bool:
        """Whether ``child``, the only one that answers, was silent so often that it is to be replaced."""
        if child is not self._child:
            self._child, self._silences, self._next = child, 0, now + self._every_s
        if now >= self._next and (self._asking is None or not self._asking.is_alive()):
            self._next = now + self._every_s
            self._asking = threading.Thread(target=self._ask, args=(child,), daemon=True)
            self._asking.start()
        return self._silences >= MOST_SILENCES

    def _ask(self, child: Child) -> None:
        silent = False
        try:
            with socket.create_connection(self._address, timeout=self._every_s) as connection:
                connection.sendall(self._request)
                connection.recv(1)
        except TimeoutError:
            silent = True
        except OSError:
            pass  # it is ending, which the supervisor sees by itself
        if child is self._child:
            self._silences = self._silences + 1 if silent else 0
