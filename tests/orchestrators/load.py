"""Fifty requests a second, each on its own connection, and everything that went wrong with them."""

from __future__ import annotations

import http.client
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

from webstreet.contract.health import FACTS_PATH

RATE = 50


class Load:
    """Asks ``http://127.0.0.1:port/`` until the end of the ``with`` block.

    Attributes:
        answers: how many were good. failures: one text a lost request. generations: which answered.
    """

    def __init__(self, port: int, path: str = FACTS_PATH, rate: int = RATE) -> None:
        self.answers = 0
        self.failures: list[str] = []
        self.generations: set[int] = set()
        self._port = port
        self._path = path
        self._rate = rate
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with ThreadPoolExecutor(8) as pool:
            due = time.monotonic()
            while not self._stop.is_set():
                pool.submit(self._ask)
                due += 1 / self._rate
                self._stop.wait(max(0.0, due - time.monotonic()))

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        try:
            connection.request("GET", self._path, headers={"Connection": "close"})
            response = connection.getresponse()
            body = response.read()
            if response.status != 200:
                self.failures.append(f"status {response.status}")
                return
            if self._path == FACTS_PATH:
                self.generations.add(json.loads(body)["generation"])
            self.answers += 1
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.failures.append(repr(error))
        finally:
            connection.close()
