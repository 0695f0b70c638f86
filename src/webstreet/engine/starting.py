"""The beginning and the end of a process of the site that runs Django."""

from __future__ import annotations

import gc
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from webstreet.kernel.errors import DocumentInvalid, WebstreetError

TAKEN_IF_THERE = ("html5lib", "jinja2", "markdown", "pygments")
"""What Django's test client, the admin's REST framework and Beautiful Soup import wherever it is installed, and a site never uses:
up to 5 MB a process for nothing. Pygments comes with the command line, the others where this release is tested and documented."""
API = "wagtail.api.v3"
"""Wagtail makes schemas for all that this API knows when it starts, 9 MB a process, though without the app no address leads to it."""


def set_up(*, with_hooks: bool = True) -> None:
    """Django, with every module it needs. They stay for good, so that looking for garbage among them costs time and finds nothing.

    Args:
        with_hooks: load every ``wagtail_hooks`` now, and much of the admin with them. Without, it is done when somebody needs one of
            the hooks, or before something changes what readers see (`pagecache.receivers`).

    Raises:
        WebstreetError: the environment or site.yaml is wrong.
    """
    import django
    from django.conf import settings

    if not any("postgresql" in db["ENGINE"] for db in settings.DATABASES.values()):
        # The admin's REST framework takes it wherever it is installed: 6 MB a process for nothing.
        sys.modules.setdefault("psycopg", None)  # type: ignore[arg-type]  # what import says means "there is none"
    gc.disable()
    with _asked_first(_Hidden(TAKEN_IF_THERE)):
        with _without_api():
            django.setup()
        if with_hooks:
            from wagtail.hooks import search_for_hooks

            search_for_hooks()
    gc.freeze()
    gc.enable()


class _Hidden(MetaPathFinder):
    """A finder that finds nothing, and says so, for packages that are not to be loaded now; those that are loaded stay."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name in self._names:
            raise ModuleNotFoundError(
                f"{name} is not loaded while a site starts: import it in the function that uses it.", name=name
            )


@contextmanager
def _asked_first(finder: MetaPathFinder) -> Iterator[None]:
    """Whatever is imported meanwhile; afterwards it is as before, for whoever does need the real modules."""
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _Nothing(ModuleType):
    """In the place of a module: whatever is taken from it takes every call, and does nothing."""

    def __getattr__(self, name: str) -> _Nothing:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *args: object, **kwargs: object) -> None:
        """Nothing."""


class _Silent(MetaPathFinder, Loader):
    """Finds `_Nothing` for an API and for what Wagtail's apps keep for it in packages of the same name."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        return ModuleSpec(name, self, is_package=True) if _is_of_api(name) else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Nothing(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing in it."""


def _is_of_api(name: str) -> bool:
    part = API.removeprefix("wagtail")
    return name.startswith("wagtail.") and f"{part}." in f"{name}."


@contextmanager
def _without_api() -> Iterator[None]:
    """Wagtail's apps start without their part of an API that is not installed; afterwards the real modules can be imported."""
    from django.conf import settings

    if API in settings.INSTALLED_APPS:
        yield
        return
    try:
        with _asked_first(_Silent()):
            yield
    finally:
        for name in [name for name, module in sys.modules.items() if isinstance(module, _Nothing)]:
            del sys.modules[name]
            package, _, own = name.rpartition(".")
            if package in sys.modules:
                vars(sys.modules[package]).pop(own, None)


def fail(error: WebstreetError) -> int:
    """Tell the control plane and people why a command ends; returns its exit code."""
    # Only here: a process that does not fail and runs no Django can do without it, which saves memory.
    from webstreet.contract.jobs import Failure
    from webstreet.engine.commands import emit, say

    problems = []
    if isinstance(error, DocumentInvalid):
        problems = [{"path": p.path, "rule": p.rule, "suggestion": p.suggestion} for p in error.problems]
    emit(Failure(code=error.error_code, message=error.message, problems=problems))
    say(str(error))
    return 1
