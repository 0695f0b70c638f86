"""The atom that docs/howto/atom.md shows: written down as it stands there, it works on a site."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.meta.source import ROOT

PAGE = ROOT / "docs" / "howto" / "atom.md"
MANIFEST = """
client: acme
site: hello
title: Hello
template: publication
languages: [en]
atoms: {articles: {}, pages: {}, greeting: {text: "Hello <world>"}}
"""
RUN = """
import sys
import webstreet.atoms
webstreet.atoms.__path__.append(sys.argv[1])
from webstreet.engine.__main__ import main
assert not main(["prepare"])
from django.test import Client
print(Client().get("/", headers={"host": "localhost"}).content.decode())
"""


def test_the_atom_of_the_page_greets_readers(tmp_path: Path) -> None:
    atom = tmp_path / "atoms" / "greeting"
    atom.mkdir(parents=True)
    (atom / "__init__.py").touch()
    files = re.findall(r'^```python title="(\w+\.py)"\n(.*?)^```$', PAGE.read_text("utf-8"), re.M | re.S)
    assert {name for name, _ in files} == {"atom.py", "apps.py", "receivers.py"}
    for name, code in files:
        (atom / name).write_text(code, "utf-8")
    (tmp_path / "site.yaml").write_text(MANIFEST, "utf-8")
    environment = {
        "PATH": os.environ["PATH"],
        "SITE_MANIFEST": str(tmp_path / "site.yaml"),
        "BASE_URL": "http://localhost",
    }
    shown = subprocess.run(
        [sys.executable, "-c", RUN, str(atom.parent)], env=environment, capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    assert "<p>Hello &lt;world&gt;</p>" in shown.stdout
