"""Files as attackers and cameras make them."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

from PIL import Image

GPS = {1: "N", 2: (48.0, 51.0, 30.0), 3: "E", 4: (2.0, 17.0, 40.0)}
SCRIPT = b"<script>alert(document.cookie)</script>"


def picture(kind: str = "JPEG", *, size: tuple[int, int] = (40, 30), gps: bool = False, comment: bytes = b"") -> bytes:
    """Left half red, right half blue, so that pixels can be compared."""
    image = Image.new("RGB", size, "red")
    image.paste("blue", (size[0] // 2, 0, *size))
    more: dict = {}
    if gps:
        exif = Image.Exif()
        exif[0x0110], exif[0x0112], exif[0x8298] = "CanaryCam 3000", 6, "Maud"
        exif[0x8825] = GPS
        more["exif"] = exif.tobytes()
        more["xmp"] = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><exif:GPSLatitude>48,51N</exif:GPSLatitude></x:xmpmeta>'
    if comment:
        more["comment"] = comment
    if kind == "WEBP":
        more["lossless"] = True
    out = io.BytesIO()
    image.save(out, kind, **{k: v for k, v in more.items() if not (k == "xmp" and kind in ("GIF", "PNG"))})
    return out.getvalue()


def archive(parts: dict[str, bytes], *, stored: tuple[str, ...] = ()) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name, content, zipfile.ZIP_STORED if name in stored else None)
    return out.getvalue()


def word(**more: bytes) -> bytes:
    return archive({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w:document/>", **more})


def open_text(**more: bytes) -> bytes:
    kind = b"application/vnd.oasis.opendocument.text"
    return archive({"mimetype": kind, "content.xml": b"<office:document/>", **more}, stored=("mimetype",))


def bomb(megabytes: int = 64) -> bytes:
    """A text document whose one part is that large, and compresses a thousand times."""
    return word(**{"word/media/image1.bin": bytes(megabytes * 1024 * 1024)})


def huge_png(width: int = 60_000, height: int = 60_000) -> bytes:
    """Says of itself that it has 3.6 thousand million pixels; 100 bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def many_frames(frames: int = 80, size: tuple[int, int] = (1000, 1000)) -> bytes:
    """An animation of a few kB that is 80 million pixels when it is looked at."""
    pictures = [Image.new("P", size, n % 250) for n in range(frames)]
    out = io.BytesIO()
    pictures[0].save(out, "GIF", save_all=True, append_images=pictures[1:])
    return out.getvalue()


PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
PAGE = b"<!DOCTYPE html><html><body>" + SCRIPT + b"</body></html>"
