"""What the menu atom says of itself."""

from __future__ import annotations

from pydantic import BaseModel, Field

from webstreet.contract.atom import AtomManifest, AtomWords, Parameters


class Link(BaseModel):
    """One entry of the menu."""

    model_config = {"extra": "forbid", "frozen": True}

    label: str = Field(min_length=1, max_length=60, description="The words of the link.")
    url: str = Field(
        pattern=r"^(/|https?://|mailto:)",
        max_length=500,
        description="A path of this site (/about/), or a whole address.",
    )


class Params(Parameters):
    home: bool = Field(default=False, description="Whether the menu begins with a link to the home page.")
    show_pages: bool = Field(default=True, description="Whether pages that editors show in menus are in it.")
    show_offered: bool = Field(
        default=True, description="Whether links that other atoms offer, such as Search, are in it."
    )
    links: list[Link] = Field(
        default_factory=list, max_length=12, description="Further links, after the pages and the editors' own."
    )


FRENCH = AtomWords(
    title="Menu",
    purpose="La navigation du site : pages et liens que les rédacteurs y mettent, liens des autres atomes et liens à vous.",
    typical_use="Tout site de plus d’une page.",
    parameters={
        "home": "Commencer le menu par un lien vers la page d’accueil.",
        "show_pages": "Y mettre les pages que les rédacteurs montrent dans les menus.",
        "show_offered": "Y mettre les liens que proposent d’autres atomes, comme la recherche.",
        "links": "Autres liens, après les pages et ceux des rédacteurs.",
    },
)


ATOM = AtomManifest(
    name="menu",
    app="webstreet.atoms.menu",
    title="Menu",
    kind="front-end",
    purpose="The site's navigation: pages and links that editors put there, what other atoms offer, and links of your own.",
    typical_use="Any site with more than one page.",
    parameters=Params.model_json_schema(),
    stores=["database"],
    hooks_offered=["menu_items"],
    hooks_used=["slot", "page_blocks", "import_menu", "export_kinds", "starter_content"],
    words={"fr": FRENCH},
)
