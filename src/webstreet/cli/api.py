"""The REST API of the control plane, as the CLI needs it: plain documents in and out, every failure an error of ours."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from webstreet.cli.access import START, Access
from webstreet.cli.errors import Answer, ControlUnclear, ControlUnreachable
from webstreet.kernel.errors import Problem

if TYPE_CHECKING:
    import httpx

Json = dict[str, Any]
ANSWER_S, CONNECT_S = 30.0, 5.0
PAGE = 200


class ControlApi:
    """One control plane. Methods raise `Answer` (it said no), `ControlUnreachable` or `ControlUnclear`."""

    def __init__(self, access: Access, *, timeout_s: float = ANSWER_S) -> None:
        import httpx

        self.url = access.url
        self._http = httpx.Client(
            base_url=f"{access.url}/api/v1",
            headers={"Authorization": f"Bearer {access.key.reveal()}", "Accept": "application/json"},
            timeout=httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s)),
            # A proxy of the environment has no way to a control plane on this machine.
            trust_env=urlsplit(access.url).hostname not in ("127.0.0.1", "localhost", "::1"),
        )

    def get(self, *path: str, **query: object) -> Json:
        return self._document("GET", path, query)

    def post(self, *path: str, body: Mapping[str, Any] | None = None, **query: object) -> Json:
        return self._document("POST", path, query, json=dict(body or {}))

    def delete(self, *path: str) -> Json:
        return self._document("DELETE", path, {})

    def send(self, *path: str, content: Iterable[bytes], size_bytes: int, **query: object) -> Json:
        """POST a stream; memory stays constant however long it is."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size_bytes)}
        return self._document("POST", path, query, content=content, headers=headers)

    def text(self, *path: str, **query: object) -> str:
        return self._answer("GET", path, query).text

    def items(self, *path: str, **query: object) -> list[Json]:
        """Every item of a list, page after page."""
        found: list[Json] = []
        while True:
            page = self.get(*path, limit=PAGE, offset=len(found), **query)
            found += page.get("items", [])
            if not page.get("items") or len(found) >= page.get("total", 0):
                return found

    @contextmanager
    def lines(self, *path: str, **query: object) -> Iterator[Iterator[str]]:
        """The lines of a text that may never end."""
        import httpx

        with self._translated():
            timeout = httpx.Timeout(ANSWER_S, read=None)
            with self._http.stream("GET", _path(path), params=_params(query), timeout=timeout) as response:
                if response.is_error:
                    response.read()
                    raise _refusal(response)
                yield response.iter_lines()

    @contextmanager
    def pieces(self, *path: str) -> Iterator[Iterator[bytes]]:
        """The bytes of an answer of any size, as they come."""
        import httpx

        with self._translated():
            timeout = httpx.Timeout(ANSWER_S, read=None)
            with self._http.stream("GET", _path(path), timeout=timeout) as response:
                if response.is_error:
                    response.read()
                    raise _refusal(response)
                yield response.iter_raw()

    def _document(self, method: str, path: tuple[str, ...], query: Mapping[str, object], **more: Any) -> Json:
        response = self._answer(method, path, query, **more)
        if not response.content:
            return {}
        try:
            found = response.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise ControlUnclear(
                f"{self.url} answers, but not as a control plane of Webstreet does. Check the address (--url)."
            )
        return found

    def _answer(self, method: str, path: tuple[str, ...], query: Mapping[str, object], **more: Any) -> httpx.Response:
        with self._translated():
            response = self._http.request(method, _path(path), params=_params(query), **more)
        if response.is_error or response.is_redirect:
            raise _refusal(response)
        return response

    @contextmanager
    def _translated(self) -> Iterator[None]:
        import httpx

        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout):
            raise ControlUnreachable(f"The control plane at {self.url} does not answer. {START}") from None
        except httpx.TimeoutException:
            raise ControlUnreachable(
                f"The control plane at {self.url} took too long to answer. Try again, and look at its log."
            ) from None
        except httpx.TransportError as error:
            raise ControlUnreachable(
                f"The connection to the control plane at {self.url} broke. Try again; if it stopped: webstreet control run",
                detail=type(error).__name__,
            ) from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            raise ControlUnreachable(f'"{self.url}" is not an address: write it as http://host:port.') from None


def _path(parts: tuple[str, ...]) -> str:
    return "/" + "/".join(quote(part, safe="") for part in parts)


def _params(query: Mapping[str, object]) -> dict[str, Any]:
    given = {name.rstrip("_"): value for name, value in query.items() if value not in ("", None)}
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}


def _refusal(response: httpx.Response) -> Answer | ControlUnclear:
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict) or "code" not in body:
        return ControlUnclear(
            f"{response.request.method} {response.url.path} was answered with {response.status_code} and no reason."
            " Check the address (--url), and look at the control plane's log."
        )
    problems = [
        Problem(str(p.get("path", "")), str(p.get("rule", "")), str(p.get("suggestion") or ""))
        for p in body.get("problems") or ()
        if isinstance(p, dict)
    ]
    message = str(body.get("detail") or body.get("title") or "The control plane refused, without saying why.")
    return Answer(message, code=str(body["code"]), status=response.status_code, problems=problems)


@contextmanager
def nearest(word: str, known: Callable[[], Iterable[str]], *, next_step: str) -> Iterator[None]:
    """Add to a "not found" what the person may have meant, or what to do instead."""
    try:
        yield
    except Answer as error:
        if error.answered_status != 404 or "Did you mean" in error.message or word not in error.message:
            raise
        try:
            close = difflib.get_close_matches(word, list(known()), n=1, cutoff=0.6)
        except Answer:
            close = []
        hint = f'Did you mean "{close[0]}"?' if close else next_step
        raise Answer(f"{error.message} {hint}", code=error.error_code, status=404, problems=error.problems) from None
