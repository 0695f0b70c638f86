"""What the footer atom says of itself."""

from __future__ import annotations

from pydantic import Field

from webstreet.contract.atom import AtomManifest, AtomWords, Parameters


class Params(Parameters):
    imprint: str = Field(
        default="",
        max_length=2000,
        description="Who is responsible for the site; plain text, an empty line starts a paragraph.",
    )
    holder: str = Field(default="", max_length=120, description="Who holds the copyright; empty for the site's title.")
    since: int | None = Field(
        default=None, ge=1900, le=2200, description="First year of the copyright; empty for the current year."
    )
    show_feeds: bool = Field(default=True, description="Whether the feeds are linked.")


FRENCH = AtomWords(
    title="Pied de page",
    purpose="Mentions légales, flux et droit d’auteur, au pied de chaque page.",
    typical_use="Tout site : la plupart des pays exigent des mentions légales.",
    parameters={
        "imprint": "Qui est responsable du site ; texte simple, une ligne vide commence un paragraphe.",
        "holder": "Titulaire du droit d’auteur ; vide : le titre du site.",
        "since": "Première année du droit d’auteur ; vide : l’année en cours.",
        "show_feeds": "Afficher les liens vers les flux.",
    },
)


ATOM = AtomManifest(
    name="footer",
    app="webstreet.atoms.footer",
    title="Footer",
    kind="front-end",
    purpose="Imprint, feeds and copyright, at the foot of every page.",
    typical_use="Every site: most countries ask for an imprint.",
    parameters=Params.model_json_schema(),
    stores=[],
    hooks_offered=["slot"],
    hooks_used=["slot", "page_blocks"],
    words={"fr": FRENCH},
)
