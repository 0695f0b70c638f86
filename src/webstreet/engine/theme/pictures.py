"""Images as browsers want them: WebP in several widths, one file that every browser knows, and a size, so that nothing moves when one
arrives.
"""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

WIDTHS = (480, 800, 1200, 1984)
FALLBACK_WIDTH = 800
SEE_THROUGH = ("png", "gif", "webp")
"""Formats that may have transparent parts, which JPEG would fill."""


def specs(image: Any) -> dict[str, str]:
    """What is made of an image: filter specifications of Wagtail by what they are for (a width, or ``fallback``)."""
    name = str(image.file.name).rpartition(".")[2].lower()
    known = "png" if name in SEE_THROUGH else "jpeg"
    return {
        **{str(width): f"width-{width}|format-webp" for width in WIDTHS},
        "fallback": f"width-{FALLBACK_WIDTH}|format-{known}",
    }


def picture(image: Any, *, sizes: str, alt: str, first: bool = False) -> SafeString:
    """A ``picture`` element.

    Args:
        image: of Wagtail.
        sizes: how wide it is shown, as the attribute of that name.
        alt: what it shows; empty for decoration.
        first: whether it is seen at once; the others wait until the reader comes near.
    """
    wanted = specs(image)
    made = image.get_renditions(*wanted.values())
    fallback = made[wanted.pop("fallback")]
    # Images are never enlarged: several specifications may give the same width.
    by_width = {made[spec].width: made[spec] for spec in wanted.values()}
    srcset = ", ".join(f"{by_width[width].url} {width}w" for width in sorted(by_width))
    largest = by_width[max(by_width)]
    waits = SafeString(' fetchpriority="high"' if first else ' loading="lazy" decoding="async"')
    # The size is the largest one's: the ratio is what counts, and rounding shows least there.
    return format_html(
        '<picture><source type="image/webp" srcset="{}" sizes="{}"><img src="{}" width="{}" height="{}" alt="{}"{}></picture>',
        srcset, sizes, fallback.url, largest.width, largest.height, alt, waits,
    )  # fmt: skip
