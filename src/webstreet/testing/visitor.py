"""Somebody with a browser but without scripts: follows links, keeps cookies, fills in forms as they are on the page.

For tests and the demo, so that what they prove is what a visitor can do. Nothing here knows the names of hidden fields: they are
read from the page, as a browser does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import TracebackType
from typing import Any
from urllib.parse import urljoin

import httpx

from webstreet.kernel.errors import WebstreetError


class PageUnexpected(WebstreetError):
    """A page is not what a visitor would have found: another status, or no such form."""

    code = "visitor.page_unexpected"


@dataclass
class Form:
    """One form of a page, with what it would send if nobody touched it."""

    action: str
    method: str
    values: dict[str, list[str]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def field_of_kind(self, kind: str) -> str:
        """The name of the first field of a type, such as "email"; empty if there is none."""
        return next((name for name, found in self.kinds.items() if found == kind), "")


@dataclass
class Page:
    """An answer, read."""

    url: str
    status: int
    text: str
    headers: httpx.Headers
    took_s: float
    forms: list[Form] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)

    def form(self, *, kind: str = "", field: str = "", method: str = "post") -> Form:
        """The first form that has a field of that type or name. Raises `PageUnexpected`."""
        for form in self.forms:
            if form.method == method and (not kind or form.field_of_kind(kind)) and (not field or field in form.kinds):
                return form
        wanted = f" with a field {kind or field}" if kind or field else ""
        raise PageUnexpected(f"{self.url} has no {method.upper()} form{wanted} (status {self.status}).")

    def expect(self, status: int = 200) -> Page:
        """This page, if it has that status."""
        if self.status != status:
            raise PageUnexpected(f"{self.url} answered {self.status} instead of {status}: {self.summary}")
        return self

    @property
    def summary(self) -> str:
        """The beginning of what a person would read."""
        return words(self.text)[:300]


class Visitor:
    """A session: cookies are kept, redirects are followed.

    Args:
        base: address that relative paths are joined to.
    """

    def __init__(self, base: str = "", *, timeout_s: float = 30.0, language: str = "en") -> None:
        self.base = base
        self._http = httpx.Client(
            timeout=timeout_s,
            follow_redirects=True,
            trust_env=False,
            headers={"Accept-Language": language, "Accept": "text/html,*/*;q=0.5", "User-Agent": "Webstreet visitor"},
        )

    def __enter__(self) -> Visitor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str) -> Page:
        return self._read("GET", path)

    def post(self, path: str, data: dict[str, Any] | None = None) -> Page:
        """A POST without a form, as a mail program sends for List-Unsubscribe-Post (RFC 8058)."""
        return self._read("POST", path, data=data or {})

    def submit(self, page: Page, form: Form, values: dict[str, Any], *, button: str = "") -> Page:
        """Send ``form`` with ``values`` laid over what it holds.

        Args:
            values: name -> text, or a list of texts for a name that is sent several times.
            button: name of the button that is pressed; its value is sent too.
        """
        data: dict[str, Any] = {**form.values, **values}
        pressed = next(((name, value) for name, value in form.buttons if name == button), None) if button else None
        if button and pressed is None:
            raise PageUnexpected(f"The form of {page.url} has no button {button}.")
        if pressed:
            data[pressed[0]] = pressed[1]
        address = urljoin(page.url, form.action or page.url)
        # Django checks the Referer of a POST over https; browsers send it.
        headers = {"Referer": page.url}
        if form.method == "get":
            return self._read("GET", address, params=data, headers=headers)
        return self._read("POST", address, data=data, headers=headers)

    def _read(self, method: str, path: str, **more: Any) -> Page:
        try:
            response = self._http.request(method, urljoin(self.base, path), **more)
        except httpx.HTTPError as error:
            raise PageUnexpected(
                f"{method} {urljoin(self.base, path)} was not answered ({type(error).__name__})."
            ) from None
        reader = _Reader()
        if "html" in response.headers.get("Content-Type", ""):
            reader.feed(response.text)
        return Page(
            str(response.url), response.status_code, response.text, response.headers,
            response.elapsed.total_seconds(), reader.forms, reader.links,
        )  # fmt: skip


def words(html: str) -> str:
    """What a person would read of a page, in one line."""
    reader = _Reader()
    reader.feed(html)
    return " ".join("".join(reader.words).split())


class _Reader(HTMLParser):
    """Collects forms, links and words."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.words: list[str] = []
        self._form: Form | None = None
        self._select = self._area = self._link = ""
        self._text: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag in ("script", "style", "template", "head"):
            self._silent += 1
        if tag == "a":
            self._link, self._text = found.get("href", ""), []
        elif tag == "form":
            self._form = Form(found.get("action", ""), found.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is not None:
            self._control(tag, found)

    def _control(self, tag: str, found: dict[str, str]) -> None:
        assert self._form is not None
        name, kind = found.get("name", ""), found.get("type", "text" if tag == "input" else tag).lower()
        if tag == "button" or kind in ("submit", "image"):
            if name:
                self._form.buttons.append((name, found.get("value", "")))
        elif tag == "option" and self._select and "selected" in found:
            self._form.values.setdefault(self._select, []).append(found.get("value", ""))
        elif tag == "option" and self._select and self._form.kinds[self._select] == "select":
            self._form.kinds[self._select] = f"select:{found.get('value', '')}"
        elif name and "disabled" not in found and tag in ("input", "select", "textarea"):
            # Of a list with several choices nothing is sent unless something is chosen.
            self._form.kinds.setdefault(name, f"{kind}-multiple" if "multiple" in found else kind)
            if tag == "select":
                self._select = name
            elif tag == "textarea":
                self._area, self._text = name, []
            elif kind not in ("checkbox", "radio", "file") or (kind != "file" and "checked" in found):
                self._form.values.setdefault(name, []).append(found.get("value", "on" if kind == "checkbox" else ""))

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data)
        if self._area or self._link:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "template", "head"):
            self._silent = max(0, self._silent - 1)
        elif tag == "a" and self._link:
            self.links.append((self._link, " ".join("".join(self._text).split())))
            self._link = ""
        elif tag == "textarea" and self._area and self._form is not None:
            self._form.values.setdefault(self._area, []).append("".join(self._text).removeprefix("\n"))
            self._area = ""
        elif tag == "select" and self._select and self._form is not None:
            first = self._form.kinds[self._select].partition(":")
            if self._select not in self._form.values and first[1]:
                self._form.values[self._select] = [first[2]]  # a browser shows, and sends, the first option
            self._select = ""
        elif tag == "form":
            self._form = None
        elif tag in ("p", "div", "li", "h1", "h2", "h3", "td", "tr", "br", "section", "article"):
            self.words.append(" ")
