"""Words, paths and file names that have no place in this repository."""

from __future__ import annotations

import re
from pathlib import Path

from scripts.checks.base import ROOT, Outcome, of, tracked

# Written with a class of one letter so that this file does not find itself.
ANYWHERE = {
    r"\b(TOD[O]|FIXM[E]|XX[X])\b": "unfinished: do it, or write an issue",
    r"(?<![\w.])/(hom[e]|Users)/[a-z]+/|(?<![\w.])/roo[t]/|(?<![\w.])/wor[k]/": "a path of somebody's machine",
    r"py[p]i\.org|pythonhoste[d]|registry\.npmj[s]|proxy\.golan[g]|deb\.debia[n]": "the name of a package registry: mirrors must work",
    r"--(extra-)?index-ur[l]": "the address of a package registry: mirrors must work",
    r"-----BEGIN [A-Z ]*PRIVATE KE[Y]": "a private key",
}
# product.md's "Not" column, in what people read.
IN_PROSE = {
    r"\btenant[s]?\b": 'say "client"',
    r"\bblueprint[s]?\b": 'say "template"',
    r"\b(successfull[y]|oop[s])\b": "leave it out: say what happened",
}
# What users of our product see: buttons and messages.
IN_MESSAGES = {
    r"\b[Pp]leas[e]\b": "leave it out",
    r"[Ss]uccessfull[y]|[Oo]op[s]\b": "say what happened",
    r"\w!(\s|$)": "no exclamation mark",
}
FILE_NAMES = re.compile(r"(^|/)(services|utils|helpers|managers)\.py$")
BINARY = {".png", ".jpg", ".woff2", ".mo", ".ico", ".webp", ".gif"}
PROSE = {".md", ".html", ".po"}


def forbidden(folder: Path) -> Outcome:
    problems = []
    for path in tracked():
        if FILE_NAMES.search(str(path)):
            problems.append(f"{path}: a drawer, not a noun: name the file for what it holds")
        if path.suffix in BINARY or path.name == "LICENSE":
            continue
        text = (ROOT / path).read_text("utf-8", "replace")
        rules = ANYWHERE | (IN_PROSE if path.suffix in PROSE else {})
        problems += _found(path, text, rules)
        if path.suffix == ".po":
            problems += _found(path, "\n".join(re.findall(r'^msgid "(.*)"', text, re.M)), IN_MESSAGES)
    return of(problems)


def _found(path: Path, text: str, rules: dict[str, str]) -> list[str]:
    problems = []
    for pattern, reason in rules.items():
        for match in re.finditer(pattern, text):
            line = text.count("\n", 0, match.start()) + 1
            problems.append(f"{path}:{line}: {match.group().strip()!r}: {reason}")
    return problems
