"""Which atoms this installation holds. Reads ``atom.py`` files; no Django."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from functools import cache

import webstreet.atoms
from webstreet import __version__
from webstreet.contract import CONTRACT_VERSION
from webstreet.contract.atom import AtomManifest, Parameters
from webstreet.contract.release import ReleaseManifest
from webstreet.kernel.errors import Broken


@cache
def atoms() -> dict[str, AtomManifest]:
    """Every atom found, by name.

    Raises:
        Broken: an atom's manifest contradicts its folder or was written for another contract.
    """
    found = {}
    for module in sorted(pkgutil.iter_modules(webstreet.atoms.__path__), key=lambda m: m.name):
        path = f"{webstreet.atoms.__name__}.{module.name}"
        if not module.ispkg or importlib.util.find_spec(f"{path}.atom") is None:
            continue
        atom: AtomManifest = importlib.import_module(f"{path}.atom").ATOM
        if atom.app != path or atom.name != module.name:
            raise Broken(
                f'The atom in {path} calls itself "{atom.name}" of {atom.app}: name and app must be those of its folder.',
                code="atom.misnamed",
            )
        if atom.contract > CONTRACT_VERSION:
            raise Broken(
                f'The atom "{atom.name}" was written for contract {atom.contract}, this engine speaks {CONTRACT_VERSION}:'
                " use a newer engine.",
                code="atom.contract",
            )
        found[atom.name] = atom
    return found


def parameters_class(name: str) -> type[Parameters]:
    """The pydantic class of an atom's parameters."""
    module = importlib.import_module(f"{atoms()[name].app}.atom")
    found: type[Parameters] = getattr(module, "Params", Parameters)
    return found


def release() -> ReleaseManifest:
    """What is in this engine; ``catalogue/release.json`` holds the same."""
    return ReleaseManifest.of(__version__, atoms().values())


def release_json() -> str:
    return release().model_dump_json(indent=2) + "\n"
