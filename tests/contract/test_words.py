"""The catalogue speaks French as well as English: nothing that is shown of an atom or a template is missing."""

from __future__ import annotations

from webstreet.contract.template import shipped_release, shipped_templates


def test_every_atom_has_french_words_for_all_it_says() -> None:
    for atom in shipped_release().atoms:
        french = atom.words["fr"]
        assert french.purpose != atom.purpose
        assert french.typical_use != atom.typical_use
        assert set(french.parameters) == set(atom.parameters.get("properties", {})), atom.name


def test_an_atom_in_french_keeps_what_is_no_text() -> None:
    atom = shipped_release().by_name["newsletter"]
    french = atom.in_language("fr")
    assert french.title == "Lettre d’information"
    shown = french.parameters["properties"]["on_publish"]
    assert shown["description"].startswith("Quand un article")
    assert shown | {"description": ""} == atom.parameters["properties"]["on_publish"] | {"description": ""}
    assert atom.in_language("de") is atom
    assert french.name == atom.name


def test_every_template_has_french_words() -> None:
    for template in shipped_templates().values():
        french = template.in_language("fr")
        assert french.purpose != template.purpose
        assert french.atoms == template.atoms
