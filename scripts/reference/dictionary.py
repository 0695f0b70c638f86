"""dictionary.md, every setting; configuration.md, which template and atom uses which atom: as the console shows them."""

from __future__ import annotations

from webstreet.contract.template import shipped_release, shipped_templates
from webstreet.control.catalogue import settings

SCOPES = {"site": "A site", "control": "The control plane", "command-line": "The command line"}
SETTINGS = """# Every setting

What controls a site, the control plane and the command line: the settings of the configuration control dictionary. The console shows
the same under *Settings*, and so does `webstreet dictionary settings`. How a site is told its settings is in
[Settings of a site](settings.md).
"""
CONFIGURATION = """# Configuration

Which template uses which atom with which parameters, and which atom calls which, in the shipped release: the part of the
configuration control dictionary that is the same everywhere. `webstreet dictionary configuration` and the console add the sites.

## Templates

| Template | Atom | Parameters set |
|---|---|---|
"""
ATOMS = """
## Atoms

An atom needs another, or calls those that answer a [hook](hooks.md) it offers.

| Atom | Uses | How |
|---|---|---|
"""


def pages() -> dict[str, str]:
    return {"reference/dictionary.md": _settings(), "reference/configuration.md": _configuration()}


def _settings() -> str:
    parts = [SETTINGS]
    for scope, title in SCOPES.items():
        parts.append(
            f"\n## {title}\n\n| Setting | Meaning | Takes | Default | Who | Kept in | When it is changed |\n|---|---|---|---|---|---|---|"
        )
        for one in settings.settings(shipped_release()):
            if one.scope == scope:
                secret = " (secret)" if one.secret else ""
                cells = (one.meaning, one.values, one.default, one.who, one.stored, one.effect)
                parts.append(f"| `{one.name}`{secret} | {' | '.join(map(_cell, cells))} |")
    return "\n".join(parts) + "\n"


def _configuration() -> str:
    release = shipped_release()
    templates = [
        f"| {template.name} | [{name}](../atoms/{name}.md) | {', '.join(f'`{key}`' for key in sorted(values))} |"
        for template in shipped_templates().values()
        for name, values in template.atoms.items()
    ]
    atoms = []
    for atom in release.atoms:
        uses = [(name, "needs it") for name in atom.requires]
        for hook in atom.hooks_offered:
            uses += [(o.name, f"`{hook}`") for o in release.atoms if o is not atom and hook in o.hooks_used]
        atoms += [
            f"| [{atom.name}](../atoms/{atom.name}.md) | [{name}](../atoms/{name}.md) | {how} |" for name, how in uses
        ]
    return CONFIGURATION + "\n".join(templates) + "\n" + ATOMS + "\n".join(atoms) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("{", "&#123;")
