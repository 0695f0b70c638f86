"""The pages of the docs that are made from code. `pages` returns every one as name -> text, the same for the same code."""

from __future__ import annotations

from scripts.reference import api, atoms, commands, dictionary, errors, hooks, settings

from webstreet.contract.schemas import schemas

GENERATED_FOLDERS = ("atoms", "reference/schemas")


def pages() -> dict[str, str]:
    made = {f"reference/schemas/{name}": text for name, text in schemas().items()}
    made["reference/schemas/index.md"] = _schema_index(list(made))
    for part in (errors, settings, dictionary, commands, api, hooks, atoms):
        made |= part.pages()
    return made


def _schema_index(names: list[str]) -> str:
    from webstreet.contract.schemas import PUBLISHED

    rows = [f"| [`{m.__name__}`]({m.__name__}.json) | {(m.__doc__ or '').strip().splitlines()[0]} |" for m in PUBLISHED]
    head = "# Documents\n\nWhat the control plane and the sites say to each other, as JSON Schema (draft 2020-12).\n\n"
    return head + "| Document | What it is |\n|---|---|\n" + "\n".join(rows) + "\n"
