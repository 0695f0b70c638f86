"""One page an atom, from its README and its manifest; and the dictionary of all."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from webstreet.contract.atom import AtomManifest
from webstreet.contract.template import shipped_release, shipped_templates

FOLDER = Path(__file__).resolve().parents[2] / "src/webstreet/atoms"
HEAD = """# Atoms

A site is assembled from atoms. Each is one capability: a back-end atom works behind the pages, a front-end atom is something editors
put on them. *Sensitive* atoms hold data about people, which a client may keep in a database of its own.

| Atom | Kind | Sensitive | Purpose |
|---|---|---|---|
"""


def pages() -> dict[str, str]:
    atoms = sorted(shipped_release().atoms, key=lambda a: a.name)
    rows = [f"| [{a.name}]({a.name}.md) | {a.kind} | {'yes' if a.sensitive else 'no'} | {a.purpose} |" for a in atoms]
    made = {"atoms/index.md": HEAD + "\n".join(rows) + "\n\nTo build one: [Build an atom](../howto/atom.md).\n"}
    return made | {f"atoms/{atom.name}.md": _page(atom) for atom in atoms}


def _page(atom: AtomManifest) -> str:
    source = FOLDER / atom.name / "README.md"
    # An atom from elsewhere may have none; that ours have one is tested.
    own = f"# {atom.title}\n\n{atom.purpose} {atom.typical_use}"
    readme = source.read_text("utf-8").strip() if source.is_file() else own
    facts = [
        ("Typical use", atom.typical_use),
        ("Kind", atom.kind),
        ("Keeps data in", ", ".join(atom.stores) or "nothing"),
        ("Sensitive", f"yes: `{atom.database_variable}` names its own database" if atom.sensitive else "no"),
        ("Needs", ", ".join(f"[{name}]({name}.md)" for name in atom.requires) or "no other atom"),
        (
            "Part of the templates",
            ", ".join(t.name for t in shipped_templates().values() if atom.name in t.atoms) or "none",
        ),
        ("Hooks it calls", ", ".join(f"`{name}`" for name in atom.hooks_offered) or "none"),
        ("Hooks it answers", ", ".join(f"`{name}`" for name in atom.hooks_used) or "none"),
    ]
    table = "\n".join(f"| {name} | {value} |" for name, value in facts)
    # A table of parameters in it would stand here twice: the one from the manifest is complete.
    readme = re.sub(r"^\| Parameter \|.*\n(?:\|.*(?:\n|\Z))+\n?", "", readme, flags=re.M)
    # The README's links lead into the source, which is not part of these pages.
    readme = re.sub(r"\[([^\]]+)\]\((?!https?:)[^)]+\)", r"\1", readme)
    return f"{readme}\n\n## Manifest\n\n| | |\n|---|---|\n{table}\n\n{_parameters(atom)}"


def _parameters(atom: AtomManifest) -> str:
    properties = atom.parameters.get("properties", {})
    if not properties:
        return "It has no parameters.\n"
    rows = [
        f"| `{name}` | {_type(schema)} | {_default(schema)} | {_cell(schema)} |" for name, schema in properties.items()
    ]
    return "## Every parameter\n\n| Name | Value | Default | Meaning |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"


def _default(schema: dict[str, Any]) -> str:
    return f"`{json.dumps(schema['default'], ensure_ascii=False)}`" if "default" in schema else ""


def _cell(schema: dict[str, Any]) -> str:
    return " ".join(str(schema.get("description", "")).split()).replace("|", "\\|")


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_type(part) for part in schema["anyOf"])
    return str(schema.get("type", schema.get("$ref", "any").rsplit("/", 1)[-1]))
