"""Which addresses a program has, and which of them no test looks at as a screen. To be used inside of the program's own Django."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from django.urls import URLPattern, URLResolver, resolve
from django.utils.translation import override

from tests.browser.pages import example


def addresses(patterns: Iterable[Any], namespaces: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """The name of every view, with its namespaces, and the module that it is from."""
    for entry in patterns:
        if isinstance(entry, URLResolver):
            within = (*namespaces, entry.namespace) if entry.namespace else namespaces
            yield from addresses(entry.url_patterns, within)
        elif isinstance(entry, URLPattern):
            view: Any = entry.callback
            view = getattr(view, "view_class", None) or getattr(view, "func", None) or view
            yield ":".join((*namespaces, entry.name or entry.lookup_str)), view.__module__


def looked_at(paths: Iterable[str], content: Mapping[str, str]) -> set[str]:
    """The names of the views that answer at these paths, see `tests.browser.pages`."""
    found = set()
    for path in paths:
        whole = example(path, content)
        with override("fr" if whole.startswith("/fr/") else "en"):
            found.add(resolve(whole).view_name)
    return found


def left_out(names: Iterable[str], looked_at: set[str], excused: Mapping[str, str]) -> list[str]:
    """Views that nothing looks at and that no pattern of ``excused`` (of names, to reasons) names."""
    missing = {name for name in names if name not in looked_at}
    return sorted(name for name in missing if not any(fnmatchcase(name, pattern) for pattern in excused))


def useless(names: Iterable[str], looked_at: set[str], excused: Mapping[str, str]) -> list[str]:
    """Excuses that nothing needs."""
    missing = [name for name in names if name not in looked_at]
    return sorted(pattern for pattern in excused if not any(fnmatchcase(name, pattern) for name in missing))
