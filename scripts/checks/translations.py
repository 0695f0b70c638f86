"""French: every string of ours has its translation, none is fuzzy, none is left over, and the compiled files are current."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from babel.messages import mofile, pofile
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_python
from scripts.checks.base import ROOT, Outcome, of

SOURCE = ROOT / "src/webstreet"
# Each program merges the catalogues of its own apps.
PROGRAMS = {"engine and atoms": ("engine", "atoms"), "control": ("control",), "logins": ("logins",)}
KEYWORDS = ("gettext", "gettext_lazy", "_", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy", "npgettext")
# Libraries that know no French, or not all: ours speaks for them.
LIBRARIES = {"control": ("unfold",)}
_LITERAL = r"u?(?P<{0}quote>\"\"\"|\'\'\'|\"|\')(?P<{0}>(?:\\.|.)*?)(?P={0}quote)"
# What templatize makes of a page template: gettext(u'one'), ngettext(u'one', u'many', count), pgettext(u'where', u'one').
IN_TEMPLATE = re.compile(
    rf"\b(?:n?pgettext\({_LITERAL.format('where')}\s*,\s*|n?gettext\(|_\(){_LITERAL.format('text')}\s*[,)]", re.S
)


def complete(folder: Path) -> Outcome:
    problems: list[str] = []
    for program, parts in PROGRAMS.items():
        catalogues = [po for part in parts for po in sorted((SOURCE / part).rglob("locale/fr/LC_MESSAGES/*.po"))]
        known: dict[str, Path] = {}
        for path in catalogues:
            problems += _catalogue(path, known)
        used = {}
        for part in parts:
            used |= dict(_strings(SOURCE / part))
        problems += [
            f"{used[text]}: no French in {program} for {text[:100]!r}" for text in sorted(set(used) - set(known))
        ]
        elsewhere = _source_of(LIBRARIES.get(program, ()))
        left = [text for text in sorted(set(known) - set(used)) if text not in elsewhere]
        problems += [f"{known[text]}: nothing uses {text[:100]!r} any more" for text in left]
    return of(problems)


def _source_of(packages: tuple[str, ...]) -> str:
    """Everything that the installed packages are written in, to look for their strings."""
    folders = [Path(found.origin).parent for name in packages if (found := find_spec(name)) and found.origin]
    return "\n".join(
        path.read_text("utf-8") for f in folders for s in ("*.html", "*.py") for path in sorted(f.rglob(s))
    )


def _catalogue(path: Path, known: dict[str, Path]) -> Iterator[str]:
    shown = path.relative_to(ROOT)
    with path.open("rb") as source:
        catalogue = pofile.read_po(source, locale="fr")
    for message in catalogue:
        if not message.id:
            continue
        text = message.id[0] if isinstance(message.id, tuple) else message.id
        known[text] = shown
        done = all(message.string) if isinstance(message.string, tuple | list) else bool(message.string)
        if not done or message.fuzzy:
            yield f"{shown}: {'fuzzy' if message.fuzzy else 'no translation'}: {text[:100]!r}"
    compiled = path.with_suffix(".mo")
    if not compiled.exists():
        yield f"{shown}: not compiled: msgfmt -o {compiled.relative_to(ROOT)} {shown}"
        return
    with compiled.open("rb") as source:
        if _texts(mofile.read_mo(source)) != _texts(catalogue):
            yield f"{shown}: compiled file is stale: msgfmt -o {compiled.relative_to(ROOT)} {shown}"


def _texts(catalogue: Catalog) -> dict[object, object]:
    plain = lambda value: tuple(value) if isinstance(value, tuple | list) else value  # noqa: E731
    # Babel reads the context of a compiled file as bytes.
    where = lambda context: context.decode() if isinstance(context, bytes) else context  # noqa: E731
    return {(where(m.context), plain(m.id)): plain(m.string) for m in catalogue if m.id and m.string and not m.fuzzy}


def _strings(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every translatable text of Python code and page templates, with the file it is in."""
    from django.conf import settings
    from django.utils.translation.template import templatize

    if not settings.configured:
        settings.configure(USE_I18N=True)
    for path in sorted(folder.rglob("*.py")):
        if "migrations" in path.parts:
            continue
        with path.open("rb") as source:
            for _line, function, messages, _comments in extract_python(source, KEYWORDS, [], {}):
                texts = messages if isinstance(messages, tuple) else (messages,)
                text = texts[1] if function.startswith(("pgettext", "npgettext")) and len(texts) > 1 else texts[0]
                if text:
                    yield text, path.relative_to(ROOT)
    for path in sorted([*folder.rglob("*.html"), *folder.rglob("templates/**/*.txt")]):
        made = templatize(path.read_text("utf-8"), origin=str(path))
        for match in IN_TEMPLATE.finditer(made):
            # templatize writes literals for a C-like reader.
            yield _unescape(match["text"]), path.relative_to(ROOT)


def _unescape(text: str) -> str:
    return text.replace('\\"', '"').replace("\\'", "'").replace("\\n", "\n")
