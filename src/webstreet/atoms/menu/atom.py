"""What the menu atom says of itself."""

from __future__ import annotations

from pydantic import BaseModel, Field

from webstreet.contract.atom import AtomManifest, Parameters


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
    links: list[Link] = Field(default_factory=list, max_length=12, description="Further links, after the pages.")


ATOM = AtomManifest(
    name="menu",
    app="webstreet.atoms.menu",
    title="Menu",
    kind="front-end",
    purpose="The site's navigation: pages shown in menus, what other atoms offer, and links of your own.",
    typical_use="Any site with more than one page.",
    parameters=Params.model_json_schema(),
    hooks_offered=["menu_items"],
    hooks_used=["slot", "page_blocks"],
)
