"""``python -m benchmarks.reading FILE``: all that an import from WordPress does but writing rows, in a site's environment."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path


def main(path: Path) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "webstreet.engine.settings"
    import django

    django.setup()
    from webstreet.engine.imports.bodies import Targets, blocks_of
    from webstreet.engine.imports.survey import Survey
    from webstreet.engine.imports.wxr import Wxr

    nowhere = Targets(lambda url, number: None, lambda url: None, lambda url: None)
    with tempfile.TemporaryDirectory(prefix="webstreet-bench-") as folder:
        survey = Survey(Path(folder) / "survey.sqlite3")
        with path.open("rb") as file:
            for item in Wxr(file):
                survey.add(item)
        with path.open("rb") as file:
            for item in Wxr(file):
                if survey.is_first(item):
                    blocks_of(item.content, nowhere, lambda line, what: None)
        survey.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
