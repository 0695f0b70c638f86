"""Pages to which only forms lead: each is looked at where `tests.browser.pages` says that it is, and none is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType

from playwright.sync_api import Page

from tests.browser.pages import fits
from tests.browser.screens import SCHEMES, Known, check_page


@dataclass
class Walk:
    """Used with ``with``; at its end every page must have been looked at.

    Attributes:
        addresses: where the pages are, by name, see `tests.browser.pages`.
        below: the path before all of them.
        shown: how the name of a picture begins.
    """

    page: Page
    addresses: Mapping[str, str]
    shown: str
    language: str
    below: str = ""
    known: Sequence[Known] = ()
    schemes: Sequence[str] = SCHEMES
    looked: set[str] = field(default_factory=set)

    def look(self, name: str, url: str | None = None, *, status: int = 200) -> None:
        """Fail with everything that is wrong with the page of this name; without ``url`` with what is shown now."""
        title = f"{self.shown} {name} {self.language}".replace(" ", "-")
        check_page(
            self.page,
            url,
            name=title,
            status=status,
            language=self.language,
            known=self.known,
            schemes=self.schemes,
        )
        expected = self.below + self.addresses[name]
        assert fits(expected, self.page.url), f"{name} is looked at {self.page.url} instead of {expected}"
        self.looked.add(name)

    def press(self, button: str = "main form button[type=submit]") -> None:
        self.page.locator(button).first.click()

    def __enter__(self) -> Walk:
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        if kind is None:
            assert self.looked == set(self.addresses), f"not looked at: {sorted(set(self.addresses) - self.looked)}"
