"""What exists is documented, and what is documented exists: error codes, settings, hooks, commands, resources, examples."""

from __future__ import annotations

import ast
import fnmatch
import json
import re

import pytest

from tests.meta.source import PACKAGE, ROOT, error_codes, made_codes, written_codes
from webstreet.contract import environment
from webstreet.contract.site import SiteManifest
from webstreet.contract.template import shipped_release

DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"


def read(name: str) -> str:
    return (REFERENCE / name).read_text("utf-8")


def documented_codes() -> list[str]:
    """The codes of errors.md, each the text of a heading."""
    return re.findall(r"^##+ `([^`]+)`$", read("errors.md"), re.M)


def test_every_error_code_is_documented() -> None:
    known = set(documented_codes())
    assert {code: where for code, where in error_codes().items() if code not in known} == {}


def test_every_code_made_at_run_time_is_documented_in_one_of_its_forms() -> None:
    known = documented_codes()
    assert {p: where for p, where in made_codes().items() if not fnmatch.filter(known, p)} == {}


def test_no_error_code_is_documented_twice_or_in_vain() -> None:
    codes, patterns = documented_codes(), [*written_codes(), *made_codes()]
    assert sorted(codes) == sorted(set(codes))
    assert [code for code in codes if not any(fnmatch.fnmatch(code, pattern) for pattern in patterns)] == []


def test_each_error_entry_says_what_to_do() -> None:
    entries = re.split(r"^##+ `", read("errors.md"), flags=re.M)[1:]
    assert [entry.split("`")[0] for entry in entries if len(entry.partition("\n")[2].split()) < 6] == []


def test_every_setting_is_documented() -> None:
    text = read("settings.md")
    atoms = [a for a in shipped_release().atoms if a.sensitive]
    names = [*environment.ALL, *(a.database_variable for a in atoms)]
    assert [name for name in names if f"`{name}`" not in text] == []


def test_every_hook_is_documented() -> None:
    """Names of the closed table HOOKS of webstreet.engine.hooks, read from its source."""
    names = set()
    for path in [*(PACKAGE / "engine").glob("hooks.py"), *(PACKAGE / "engine/hooks").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            target = (
                node.target
                if isinstance(node, ast.AnnAssign)
                else node.targets[0]
                if isinstance(node, ast.Assign)
                else None
            )
            if isinstance(target, ast.Name) and target.id == "HOOKS":
                names |= {
                    n.value
                    for n in ast.walk(node.value)
                    if isinstance(n, ast.Constant) and re.fullmatch(r"[a-z_]+", str(n.value))
                }
    assert len(names) >= 5
    text = read("hooks.md")
    assert [name for name in sorted(names) if f"`{name}`" not in text] == []


def test_every_command_is_documented() -> None:
    from typer.main import get_command

    from webstreet.cli.main import app

    def walk(command: object, name: str) -> list[str]:
        inner = getattr(command, "commands", {})
        return [n for sub, c in inner.items() for n in walk(c, f"{name} {sub}")] if inner else [name]

    text = read("cli.md")
    commands = walk(get_command(app), "webstreet")
    assert len(commands) >= 10
    assert [name for name in commands if f"`{name}`" not in text] == []


def test_every_resource_of_the_api_is_documented() -> None:
    text = read("api.md")
    paths = json.loads(read("openapi.json"))["paths"]
    assert len(paths) >= 10
    wanted = [f"`{method.upper()} {path}`" for path, methods in paths.items() for method in methods]
    assert [line for line in wanted if line not in text] == []


def test_every_atom_has_a_readme() -> None:
    missing = [a.name for a in shipped_release().atoms if not (PACKAGE / "atoms" / a.name / "README.md").is_file()]
    assert missing == []


def test_every_example_manifest_is_valid() -> None:
    for path in sorted((ROOT / "examples").rglob("*.yaml")):
        SiteManifest.read_yaml(path.read_text("utf-8"), name=path.name).check(shipped_release())


def yaml_blocks() -> list[tuple[str, str]]:
    """Every YAML block of the docs that is a whole site manifest."""
    found = []
    for page in sorted([*DOCS.rglob("*.md"), ROOT / "README.md"]):
        for number, block in enumerate(
            re.findall(r"^```yaml[^\n]*\n(.*?)^```", page.read_text("utf-8"), re.M | re.S), 1
        ):
            if re.search(r"^client:", block, re.M) and re.search(r"^atoms:", block, re.M):
                found.append((f"{page.relative_to(ROOT)} #{number}", block))
    return found


@pytest.mark.parametrize(("where", "block"), yaml_blocks(), ids=lambda value: value if "\n" not in value else "")
def test_every_manifest_shown_in_the_docs_is_valid(where: str, block: str) -> None:
    manifest = SiteManifest.read_yaml(block, name=where)
    if "tutorials/write-an-atom" in where:
        # Its atom is the one that the reader writes; the tutorial's own test runs it.
        manifest = manifest.model_copy(update={"atoms": {k: v for k, v in manifest.atoms.items() if k != "guestbook"}})
    manifest.check(shipped_release())


def test_every_command_shown_in_the_docs_exists() -> None:
    """``webstreet NOUN VERB`` in a code block of the docs is a command of cli.md."""
    known = set(re.findall(r"^##+ `(webstreet [a-z -]+)`$", read("cli.md"), re.M))
    wrong = []
    for page in sorted([*DOCS.rglob("*.md"), ROOT / "README.md"]):
        for block in re.findall(r"^```(?:console|sh|bash)[^\n]*\n(.*?)^```", page.read_text("utf-8"), re.M | re.S):
            for noun, verb in re.findall(r"^(?:\$ )?webstreet ([a-z-]+) ([a-z-]+)", block, re.M):
                if f"webstreet {noun} {verb}" not in known and f"webstreet {noun}" not in known:
                    wrong.append(f"{page.relative_to(ROOT)}: webstreet {noun} {verb}")
    assert wrong == []


def test_every_link_inside_the_repository_leads_somewhere() -> None:
    broken = []
    for page in [ROOT / n for n in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8")):
            if "://" not in target and not target.startswith("mailto:") and not (page.parent / target).exists():
                broken.append(f"{page.name}: {target}")
    assert broken == []
