"""settings.md, from the constants of contract/environment.py and the text under each."""

from __future__ import annotations

import ast
import itertools
from pathlib import Path

from webstreet.contract.template import shipped_release

SOURCE = Path(__file__).resolve().parents[2] / "src/webstreet/contract/environment.py"
HEAD = """# Settings of a site

A site's processes are configured by `site.yaml` and by these environment variables, and by nothing else. Sites that a control plane
runs get them from it; you set them yourself only when you start `webstreet-engine` by hand.

Each variable may also be given as `<NAME>_FILE`, the path of a file that holds the value, as Docker and Kubernetes do for secrets.
Both at once is an error.

| Variable | Meaning |
|---|---|
"""
ATOMS = """
## Atoms with sensitive data

A client may keep the data of these atoms in a database of its own. Unset means: in the site's database server, or, when that is
embedded, in an SQLite file apart.

| Atom | Variable |
|---|---|
"""


def pages() -> dict[str, str]:
    body = ast.parse(SOURCE.read_text("utf-8")).body
    rows = []
    for line, following in itertools.pairwise(body):
        if isinstance(line, ast.Assign) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str):
            text = (
                following.value.value
                if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
                else ""
            )
            rows.append(f"| `{line.value.value}` | {' '.join(str(text).split())} |")
    atoms = [f"| {a.name} | `{a.database_variable}` |" for a in shipped_release().atoms if a.sensitive]
    return {"reference/settings.md": HEAD + "\n".join(rows) + "\n" + ATOMS + "\n".join(atoms) + "\n"}
