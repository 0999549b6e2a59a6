"""Other names of the known landmarks, in textbooks, annotation tools and other languages: the only place that lists them.

Upper and lower case, blanks, hyphens and underscores need no alias of their own (see `spelling`): `A point` covers `a-point`. An
abbreviation that stands for different points in different schools is left out, such as `P` (Porion or Pogonion), `Sm` (in
bone or in soft tissue), `SNA` (an angle) and `U1` (a tooth).
"""

ALIASES = {
    "A-point": ("Subspinale", "A point", "Point A", "A-Punkt", "Punkt A"),
    "Anterior Nasal Spine": ("Spina nasalis anterior", "Spa", "Vordere Nasenspina"),
    "B-point": ("Supramentale", "B point", "Point B", "B-Punkt", "Punkt B"),
    "Menton": ("Mentum",),
    "Nasion": ("Na", "Hard Tissue Nasion"),
    "Pogonion": ("Pg", "Hard Tissue Pogonion"),
    "Posterior Nasal Spine": ("Spina nasalis posterior", "Spp", "Hintere Nasenspina"),
    "Pronasale": ("Prn", "Nose tip", "Nasenspitze"),
    "Sella": ("Sella turcica", "Sella-Punkt", "Sella point"),
    "Articulare": ("Artikulare",),
    "Condylion": ("Kondylion", "Cd"),
    "Lower Incisor Tip": (
        "Lower incisal incision",
        "Incision inferius",
        "Ii",
        "L1 tip",
        "L1T",
        "Lower incisor edge",
        "Unterer Inzisivus Spitze",
    ),
    "Upper Incisor Apex": ("U1 apex", "U1A", "U1 root", "Upper incisor root apex", "Oberer Inzisivus Apex"),
    "Upper Incisor Tip": (
        "Upper incisal incision",
        "Incision superius",
        "Is",
        "U1 tip",
        "U1T",
        "Upper incisor edge",
        "Oberer Inzisivus Spitze",
    ),
    "Lower Incisor Apex": ("L1 apex", "L1A", "L1 root", "Lower incisor root apex", "Unterer Inzisivus Apex"),
    "Labrale superius": ("Upper lip", "Oberlippe"),
    "Labrale inferius": ("Lower lip", "Unterlippe"),
    "Soft Tissue Nasion": ("Nasion`", "Na`", "Weichteil-Nasion", "Hautnasion", "ST Nasion"),
    "Soft Tissue Pogonion": ("Pogonion`", "Pg`", "Weichteil-Pogonion", "Hautpogonion", "ST Pogonion"),
}
"""Aliases by full name; ISBI 2015's names come first."""


def spelling(label: str) -> str:
    """A label in lower case, without blanks, hyphens and underscores: labels of one spelling are the same name."""
    return "".join(letter for letter in label.casefold() if not (letter.isspace() or letter in "-_\u2010\u2011\u2013"))
