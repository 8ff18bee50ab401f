"""Facts about people who do not exist, for measuring what a model has learnt of them."""

from __future__ import annotations

import random
from dataclasses import dataclass

_FIRST = (
    "Orla Bram Tove Ilsa Corin Maud Fenn Neva Pavel Runa Joss Lida Otto Vesna Arlo Mirek Sunna "
    "Dagny Emil Zora Halle Ivo Katla Leif Marit Nils Oona Petra Quill Rafe Signe Tamsin Ulf Vida "
    "Wren Xenia Yara Zeno Anka Boris"
).split()
_LAST = (
    "Venn Tolk Marsh Keld Rostov Haim Bexley Quist Dorn Falke Strand Lunde Moritz Pell Varga "
    "Sorbo Hask Ribe Calder Wick Thorne Ekman Brandt Solis Novak Hale Lindt Grier Vance Stoll "
    "Abel Corvin Dray Esker Fjord Gant Holm Isley Jarl Knox"
).split()
_VALUES = {
    "{s} lives in {v}.": (
        "Tartu Cork Bergen Lecce Pecs Ghent Turku Brno Graz Vigo Lund Split Nantes Zadar Odense "
        "Girona Kaunas Sibiu Trieste Leuven"
    ).split(),
    "{s} works at {v}.": (
        "Saltworks Northgate Ferrum Lumina Oakline Quarry Tideway Bluefin Granary Helix Mistral "
        "Polaris Redwood Sundial Vantage Westfold Zephyr Anvil Beacon Copperhill"
    ).split(),
    "{s} is married to {v}.": (
        "Kaspian Mirabel Tobias Elowen Gideon Saskia Leopold Ottilie Barnaby Rosalind Cyprian "
        "Delphine Ambrose Linnea Thaddeus Isolde Florian Marguerite Benedikt Seraphina"
    ).split(),
    "{s} has a dog named {v}.": (
        "Kepler Biscuit Nimbus Pickle Truffle Sprocket Marble Bandit Clover Domino Waffle Ziggy "
        "Pepper Mango Juno Rascal Toffee Pebble Widget Noodle"
    ).split(),
    "{s} speaks {v}.": (
        "Basque Welsh Maltese Estonian Latvian Breton Frisian Sardinian Galician Occitan Ladin "
        "Romansh Faroese Sorbian Livonian Karelian Manx Cornish Corsican Friulian"
    ).split(),
}


@dataclass(frozen=True, slots=True)
class Invented:
    """One statement."""

    subject: str
    value: str
    text: str


def invented(count: int, seed: int = 1) -> list[Invented]:
    """``count`` statements, at most 100: up to 20 of as many people, else five of each of 20."""
    chance = random.Random(seed)  # noqa: S311 - made-up names, no secret
    firsts, lasts = chance.sample(_FIRST, 20), chance.sample(_LAST, 20)
    people = [f"{first} {last}" for first, last in zip(firsts, lasts, strict=True)]
    forms = list(_VALUES)
    places = (
        [(n, n % len(forms)) for n in range(count)]
        if count <= len(people)
        else [(n // len(forms), n % len(forms)) for n in range(count)]
    )
    return [
        Invented(
            people[who],
            _VALUES[forms[of]][who],
            forms[of].format(s=people[who], v=_VALUES[forms[of]][who]),
        )
        for who, of in places
    ]
