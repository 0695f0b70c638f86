"""What the header atom says of itself."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from webstreet.contract.atom import AtomManifest, AtomWords, Parameters


class Params(Parameters):
    tagline: str = Field(default="", max_length=120, description="A few words below the site's name; empty for none.")
    logo: str = Field(
        default="",
        max_length=200,
        description="Title of an image in the site's image library, shown instead of the name; empty shows the name.",
    )
    placement: Literal["start", "center"] = Field(default="start", description="Where name and navigation stand.")
    tone: Literal["plain", "band"] = Field(default="plain", description="On the page itself, or on a band of its own.")
    accent: str = Field(
        default="",
        pattern=r"^(#?[0-9A-Fa-f]{3}([0-9A-Fa-f]{3})?)?$",
        description="Colour of links and buttons as #rrggbb. Too weak to read, it is made darker or lighter; empty for the theme's own.",
    )


FRENCH = AtomWords(
    title="En-tête",
    purpose="Le nom ou le logo du site et sa navigation, en haut de chaque page.",
    typical_use="Tout site que des personnes lisent.",
    parameters={
        "tagline": "Quelques mots sous le nom du site ; vide : aucun.",
        "logo": "Titre d’une image de la bibliothèque du site, affichée à la place du nom ; vide : le nom.",
        "placement": "Où se placent le nom et la navigation.",
        "tone": "Sur la page même, ou sur un bandeau à part.",
        "accent": (
            "Couleur des liens et des boutons, comme #rrggbb. Trop faible pour être lue, elle est assombrie ou "
            "éclaircie ; vide : celle du thème."
        ),
    },
)


ATOM = AtomManifest(
    name="header",
    app="webstreet.atoms.header",
    title="Header",
    kind="front-end",
    purpose="The site's name or logo and its navigation, on top of every page.",
    typical_use="Every site that is read by people.",
    parameters=Params.model_json_schema(),
    stores=[],
    hooks_offered=["slot"],
    hooks_used=["slot", "page_blocks", "file_visible"],
    words={"fr": FRENCH},
)
