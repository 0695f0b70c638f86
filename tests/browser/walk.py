"""Pages to which only forms lead: each is looked at where `tests.browser.pages` says that it is, and none is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType

from playwright.sync_api import Locator, Page

from tests.browser.pages import fits
from tests.browser.screens import SCHEMES, Known, check_page

WORDS = "() => (document.querySelector('main') ?? document.body).innerText.replace(/\\s+/g, ' ').trim()"
WRONG = "main :is([class~=error], [class$=-error], [role=alert])"
"""What tells a person that a form was not taken, in every program of ours."""


@dataclass
class Walk:
    """Used with ``with``; at its end every page must have been looked at.

    Attributes:
        addresses: where the pages are, by name, see `tests.browser.pages`.
        below: the path before all of them.
        shown: how the name of a picture begins.

    Address and status do not tell an answer from the form that is shown again, or refused: so a page to which `press` led must read
    differently from the one on which the button was, and says that something was wrong only where it is looked at as ``refused``.
    """

    page: Page
    addresses: Mapping[str, str]
    shown: str
    language: str
    below: str = ""
    known: Sequence[Known] = ()
    schemes: Sequence[str] = SCHEMES
    looked: set[str] = field(default_factory=set)
    form: str | None = None

    def look(self, name: str, url: str | None = None, *, status: int = 200, refused: bool = False) -> None:
        """Fail with everything that is wrong with the page of this name; without ``url`` with what is shown now."""
        form, self.form = self.form, None
        if url is None and form is not None:
            self._is_an_answer(name, form, refused)
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

    def press(self, button: str | Locator = "main form button[type=submit]") -> None:
        """A button of a form; what is looked at next is its answer."""
        found = self.page.locator(button) if isinstance(button, str) else button
        found.first.wait_for()
        self.form = self.page.evaluate(WORDS)
        with self.page.expect_event("load"):
            found.first.click()

    def _is_an_answer(self, name: str, form: str, refused: bool) -> None:
        assert self.page.evaluate(WORDS) != form, f"{name} is the form that led there, shown again"
        said = " / ".join(self.page.locator(WRONG).filter(visible=True).all_inner_texts())
        assert bool(said) == refused, f"{name} {f'says: {said}' if said else 'does not say what was wrong'}"

    def __enter__(self) -> Walk:
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        if kind is None:
            assert self.looked == set(self.addresses), f"not looked at: {sorted(set(self.addresses) - self.looked)}"
