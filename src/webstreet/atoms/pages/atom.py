"""What the pages atom says of itself."""

from __future__ import annotations

from pydantic import Field

from webstreet.contract.atom import AtomManifest, AtomWords, Parameters


class Params(Parameters):
    show_in_menu: bool = Field(
        default=True, description="Whether a new page is shown in the menu unless its author says otherwise."
    )


FRENCH = AtomWords(
    title="Pages",
    purpose="Des pages durables, faites de texte, d’images, de citations, de code et des blocs des autres atomes.",
    typical_use="À propos, mentions légales, contact, la page d’un projet.",
    parameters={
        "show_in_menu": "Montrer une nouvelle page dans le menu, sauf si son auteur en décide autrement.",
    },
)


ATOM = AtomManifest(
    name="pages",
    app="webstreet.atoms.pages",
    title="Pages",
    kind="front-end",
    purpose="Pages that stay, made of text, images, quotes, code and the blocks of other atoms.",
    typical_use="About, imprint, contact, a page for a project.",
    parameters=Params.model_json_schema(),
    stores=["database"],
    hooks_offered=["slot", "page_blocks"],
    hooks_used=["starter_content", "import_pages", "page_blocks"],
    words={"fr": FRENCH},
)
