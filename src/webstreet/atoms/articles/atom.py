"""What the articles atom says of itself."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from webstreet.contract.atom import AtomManifest, AtomWords, Parameters


class Params(Parameters):
    page_size: int = Field(default=10, ge=1, le=50, description="Articles on one page of the home page and of lists.")
    feed_content: Literal["full", "intro"] = Field(
        default="full", description="What feeds carry: the whole article, or its introduction only."
    )
    feed_size: int = Field(default=20, ge=1, le=100, description="Newest articles in a feed.")
    show_reading_time: bool = Field(
        default=True, description="Whether an article says how many minutes it takes to read."
    )
    show_authors: bool = Field(default=True, description="Whether articles name their authors.")
    related: int = Field(
        default=3, ge=0, le=6, description="Articles with the same tags that an article names at its end; 0 for none."
    )


FRENCH = AtomWords(
    title="Articles",
    purpose="Des articles en brouillon, publics, privés ou archivés, avec auteurs, mots-clés, flux et recherche.",
    typical_use="Un blog, un magazine, les nouvelles d’une association.",
    parameters={
        "page_size": "Nombre d’articles par page, sur l’accueil et dans les listes.",
        "feed_content": "Ce que portent les flux : l’article entier, ou son introduction seulement.",
        "feed_size": "Nombre des articles les plus récents dans un flux.",
        "show_reading_time": "Indiquer le temps de lecture d’un article en minutes.",
        "show_authors": "Nommer les auteurs des articles.",
        "related": "Articles de mêmes mots-clés cités à la fin d’un article ; 0 : aucun.",
    },
)


ATOM = AtomManifest(
    name="articles",
    app="webstreet.atoms.articles",
    title="Articles",
    kind="back-end",
    purpose="Articles that are drafts, public, private or archived, with authors, tags, reading lists, feeds and search.",
    typical_use="A blog, a magazine, the news of an association.",
    parameters=Params.model_json_schema(),
    stores=["database", "files"],
    hooks_offered=["slot", "head", "menu_items", "page_blocks"],
    hooks_used=[
        "render_announcement",
        "import_articles",
        "export_kinds",
        "starter_content",
        "menu_items",
        "head",
        "file_visible",
        "dashboard_panels",
    ],
    words={"fr": FRENCH},
)
