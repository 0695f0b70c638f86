"""Pictures. Originals are kept, so what cameras write into them must go: where it was taken, by which camera, and small copies of it.

Removed without touching a pixel: Exif but for orientation, artist and copyright; XMP, IPTC, comments; whatever follows the picture's end.
Formats: JPEG (ITU T.81, B.1), PNG (W3C, third edition), WebP (RFC 9649); GIF holds none of it.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Callable

from django.utils.translation import gettext as _
from PIL import Image

from webstreet.engine.uploaded.errors import FileRefused
from webstreet.engine.uploaded.polyglots import refuse_markup, refuse_second_nature

FORMATS = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "webp": "WEBP", "gif": "GIF", "avif": "AVIF"}
MOST_PIXELS = 64_000_000
"""Of all frames together: that many cost a quarter of a gigabyte while they are looked at."""
ORIENTATION, ARTIST, COPYRIGHT, GPS = 0x0112, 0x013B, 0x8298, 0x8825
_STANDALONE = {0x01, *range(0xD0, 0xD9)}
_OF_CAMERAS = {0xE1, 0xED, 0xFE}  # Exif and XMP, IPTC, comments
_PICTURES_BESIDE = b"MPF\x00"  # in APP2: further pictures behind this one, each with an Exif of its own
_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_WORDS = {b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME"}
_WEBP_FLAGS = {b"EXIF": 0x08, b"XMP ": 0x04}


def clean_image(name: str, data: bytes) -> bytes:
    """The picture as it may be kept.

    Raises:
        FileRefused: it is no picture of the kind that ``name`` says, it is damaged or too large, or it is something else as well.
    """
    kind = FORMATS.get(name.rpartition(".")[2].lower(), "")
    refuse_second_nature(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            kept = _judge(kind, data)
            cleaned = _CLEANERS.get(kind, lambda data, _kept: data)(data, kept)
            refuse_markup(cleaned)
            _judge_cleaned(kind, cleaned)
    except FileRefused:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise _too_large() from None
    except (
        OSError,
        ValueError,
        SyntaxError,
        TypeError,
        KeyError,
        IndexError,
        EOFError,
        struct.error,
        zlib.error,
        OverflowError,
    ):
        raise damaged() from None
    return cleaned


def _judge(kind: str, data: bytes) -> bytes:
    """Look at it; what is worth keeping of its Exif."""
    with Image.open(io.BytesIO(data), formats=[kind] if kind else []) as image:
        if image.width * image.height * getattr(image, "n_frames", 1) > MOST_PIXELS:
            raise _too_large()
        image.verify()
    # Opened again: after verify() nothing can be read, and reading Exif may load the picture, after which nothing can be verified.
    with Image.open(io.BytesIO(data), formats=[kind] if kind else []) as image:
        exif, kept = image.getexif(), Image.Exif()
        for tag in (ORIENTATION, ARTIST, COPYRIGHT):
            if tag in exif and (tag != ORIENTATION or exif[tag] in range(2, 9)):
                kept[tag] = exif[tag]
    return kept.tobytes() if len(kept) else b""


def _judge_cleaned(kind: str, data: bytes) -> None:
    with Image.open(io.BytesIO(data), formats=[kind]) as image:
        if image.getexif().get_ifd(GPS) or GPS in image.getexif() or image.info.get("xmp"):
            raise FileRefused(
                _(
                    "This picture says where it was taken, and that cannot be removed from a file of its kind. Save it as JPEG."
                ),
                code="file.location",
            )
        image.load()


def damaged() -> FileRefused:
    return FileRefused(_("This picture is damaged, or is not of the kind its name says."), code="file.damaged")


def _too_large() -> FileRefused:
    return FileRefused(
        _("This picture has more than %(most)s million pixels. Make it smaller first.")
        % {"most": MOST_PIXELS // 1_000_000},
        code="file.pixels",
    )


def _jpeg(data: bytes, exif: bytes) -> bytes:
    """Segment by segment to the end of the image; entropy-coded data is copied up to the next marker."""
    out, at = [b"\xff\xd8"], 2
    if exif:
        out.append(b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif)
    while True:
        if data[at] != 0xFF:
            raise ValueError("no marker")
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker == 0xD9:
            return b"".join([*out, b"\xff\xd9"])
        if marker in _STANDALONE:
            out.append(data[at : at + 2])
            at += 2
            continue
        end = at + 2 + struct.unpack_from(">H", data, at + 2)[0]
        beside = marker == 0xE2 and data[at + 4 : at + 8] == _PICTURES_BESIDE
        if marker not in _OF_CAMERAS and not beside:
            out.append(data[at:end])
        at = end
        if marker == 0xDA:
            at = _after_scan(data, at)
            out.append(data[end:at])


def _after_scan(data: bytes, at: int) -> int:
    """Where the next marker begins that ends entropy-coded data; stuffed bytes and restarts belong to it."""
    while True:
        at = data.index(b"\xff", at)
        if data[at + 1] != 0 and data[at + 1] != 0xFF and not 0xD0 <= data[at + 1] <= 0xD7:
            return at
        at += 1 if data[at + 1] == 0xFF else 2


def _png(data: bytes, exif: bytes) -> bytes:
    out, at = [_PNG_START], len(_PNG_START)
    while True:
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise ValueError("cut off")
        if kind not in _PNG_WORDS:
            out.append(data[at:end])
        if kind == b"IHDR" and exif:
            body = b"eXIf" + exif.removeprefix(b"Exif\x00\x00")
            out.append(struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)))
        if kind == b"IEND":
            return b"".join(out)
        at = end


def _webp(data: bytes, exif: bytes) -> bytes:
    end = min(len(data), 8 + struct.unpack_from("<I", data, 4)[0])
    chunks, at = [], 12
    while at + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, at)
        padded = length + length % 2
        if kind not in _WEBP_FLAGS:
            chunks.append((kind, data[at + 8 : at + 8 + padded], length))
        at += 8 + padded
    extended = bool(chunks) and chunks[0][0] == b"VP8X"
    if extended:
        flags = chunks[0][1][0] & ~sum(_WEBP_FLAGS.values()) | (_WEBP_FLAGS[b"EXIF"] if exif else 0)
        chunks[0] = (b"VP8X", bytes([flags]) + chunks[0][1][1:], chunks[0][2])
        if exif:
            body = exif.removeprefix(b"Exif\x00\x00")
            chunks.append((b"EXIF", body + b"\x00" * (len(body) % 2), len(body)))
    body = b"WEBP" + b"".join(struct.pack("<4sI", kind, length) + content for kind, content, length in chunks)
    return struct.pack("<4sI", b"RIFF", len(body)) + body


_CLEANERS: dict[str, Callable[[bytes, bytes], bytes]] = {"JPEG": _jpeg, "PNG": _png, "WEBP": _webp}
