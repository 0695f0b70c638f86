"""``export``: write everything the site holds as one archive."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from webstreet.contract.jobs import Progress
from webstreet.engine.commands import emit, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="where to; - writes the archive to standard output, and nothing else")
    parser.add_argument(
        "--leave-out",
        action="append",
        default=[],
        metavar="ATOM",
        help="an atom whose own data stay away; may be repeated",
    )


def run(options: argparse.Namespace) -> None:
    from webstreet.engine.exports import writing
    from webstreet.engine.rows import settled
    from webstreet.kernel.errors import BadInput

    settled()
    if options.file == "-":
        writing.write(sys.stdout.buffer, lambda step, done, total: None, leave_out=options.leave_out)
        sys.stdout.buffer.flush()
        return

    def report(step: str, done: int, total: int) -> None:
        emit(Progress(step=step, done=done, total=total))

    path = Path(options.file)
    part = path.with_name(f".{path.name}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            counts = writing.write(out, report, leave_out=options.leave_out)
        part.rename(path)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}.", code="export.file") from None
    finally:
        part.unlink(missing_ok=True)
    for name, number in counts.items():
        say(f"{number} {name}")
