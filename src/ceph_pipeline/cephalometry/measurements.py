"""The table of measurements. The entries are data; the functions of the kinds are in `kinds`.

An angle ∠XYZ has its vertex at Y. FH is the Frankfort horizontal through the points Po and Or, OP the bisected occlusal plane,
PP the palatal plane. Norms depend on population, sex and age, and are part of the configuration.
"""

from __future__ import annotations

from ceph_pipeline.cephalometry.measurement import Foremost, Midpoint
from ceph_pipeline.cephalometry.measurement import Measurement as M  # noqa: N817, for short entries

FH = ("Po", "Or")
FH_BACK = ("Or", "Po")
SN = ("S", "N")
PP = ("PNS", "ANS")
MP = ("Go", "Me")
OP = (Midpoint("UMT", "LMT"), Midpoint("UIT", "LIT"))
PREMOLAR_OP = (Midpoint("UMT", "LMT"), Midpoint("UPM", "LPM"))
U1 = ("UIA", "UIT")
L1 = ("LIA", "LIT")

_FRONT = "positive: in front"
_PROCLINED = "positive: proclined; negative: leans back"
_DESCENDS = "positive: descends forward"
_POINTS = "FH through the points Po and Or, not the machine's ear rods"
_TIP = "of the tip, not of the labial surface"
_MP = "mandibular plane Go–Me"
_BISECTED = "OP: bisected occlusal plane, molars to incisors"

SKELETAL = (
    M("SNA", "Maxilla to cranial base", "deg", "angle", ("S", "N", "A")),
    M("SNB", "Mandible to cranial base", "deg", "angle", ("S", "N", "B")),
    M("ANB", "Sagittal jaw relation", "deg", "sum", terms=((1, "SNA"), (-1, "SNB")), sign="positive: A in front of B",
      convention="SNA − SNB; some programs give ∠A-N-B without a sign"),
    M("Wits_mm", "Wits appraisal", "mm", "ahead", ("A", "B", *OP), sign="positive: A in front of B",
      convention=f"AO − BO. {_BISECTED}"),
    M("WitsFunctional_mm", "Wits on the molar–premolar line", "mm", "ahead", ("A", "B", *PREMOLAR_OP),
      sign="positive: A in front of B",
      convention="AO − BO on the short line from molars to premolars; an error of half a pixel changes the value by millimetres"),
    M("FacialAngle", "Facial angle", "deg", "directions", (*FH_BACK, "N", "Pog"), sign="larger: chin forward",
      convention=_POINTS),
    M("Convexity", "Angle of convexity", "deg", "bend", ("N", "A", "Pog"), sign="positive: A in front of N–Pog",
      convention="Downs's angle; Ricketts's convexity is a distance"),
    M("ABPlane", "A–B plane angle", "deg", "lean", ("A", "B", "N", "Pog"), sign="negative: B behind A"),
    M("A_Nperp_mm", "A to nasion perpendicular", "mm", "ahead", ("A", "N", *FH), sign=_FRONT, convention=_POINTS),
    M("Pog_Nperp_mm", "Pogonion to nasion perpendicular", "mm", "ahead", ("Pog", "N", *FH), sign=_FRONT, convention=_POINTS),
    M("CoA_mm", "Effective midfacial length", "mm", "distance", ("Co", "A")),
    M("CoGn_mm", "Effective mandibular length", "mm", "distance", ("Co", "Gn")),
    M("MaxMand_mm", "Maxillomandibular difference", "mm", "sum", terms=((1, "CoGn_mm"), (-1, "CoA_mm")),
      sign="positive: the mandible is longer"),
    M("APDI", "Anteroposterior dysplasia indicator", "deg", "sum",
      terms=((1, "FacialAngle"), (1, "ABPlane"), (1, "FH_PP")), sign="larger: towards Class III", convention=_POINTS),
    M("Pog_NB_mm", "Pogonion to N–B", "mm", "in_front", ("Pog", "N", "B"), sign=_FRONT),
)  # fmt: skip

VERTICAL = (
    M("YAxis", "Y axis", "deg", "directions", (*FH, "S", "Gn"), sign="larger: grows downwards",
      convention=f"Downs's, to FH; others use S–N. {_POINTS}"),
    M("SN_GoGn", "Mandibular plane to S–N (Steiner)", "deg", "lines", (*SN, "Go", "Gn"), convention="mandibular plane Go–Gn"),
    M("SN_GoMe", "Mandibular plane to S–N", "deg", "lines", (*SN, *MP), convention=_MP),
    M("FMA", "Mandibular plane to FH", "deg", "lines", (*FH, *MP), convention=f"{_MP}. {_POINTS}"),
    M("PP_MP", "Palatal to mandibular plane", "deg", "lines", ("ANS", "PNS", *MP), convention=_MP),
    M("SN_PP", "Palatal plane to S–N", "deg", "slope", (*SN, *PP), sign=_DESCENDS),
    M("FH_PP", "Palatal plane to FH", "deg", "slope", (*FH, *PP), sign=_DESCENDS, convention=_POINTS),
    M("OP_SN", "Occlusal plane to S–N", "deg", "slope", (*SN, *OP), sign=_DESCENDS, convention=_BISECTED),
    M("OP_FH", "Occlusal plane to FH", "deg", "slope", (*FH, *OP), sign=_DESCENDS, convention=f"{_BISECTED}. {_POINTS}"),
    M("ODI", "Overbite depth indicator", "deg", "sum", terms=((1, "AB_MP"), (1, "FH_PP")),
      sign="smaller: towards an open bite",
      convention=f"AB_MP is the upper posterior angle of A–B and Go–Me, which may exceed 90°. {_POINTS}"),
    M("Gonial", "Gonial angle", "deg", "angle", ("Ar", *MP), convention="Go as marked, not constructed from tangents"),
    M("UpperGonial", "Upper gonial angle", "deg", "angle", ("Ar", "Go", "N")),
    M("LowerGonial", "Lower gonial angle", "deg", "angle", ("N", *MP)),
    M("Saddle", "Saddle angle", "deg", "angle", ("N", "S", "Ar")),
    M("Articular", "Articular angle", "deg", "angle", ("S", "Ar", "Go"),
      convention="0–180°: a reflex angle α has the value 360° − α"),
    M("BjorkSum", "Sum of Björk", "deg", "sum", terms=((1, "Saddle"), (1, "Articular"), (1, "Gonial"))),
    M("SN_mm", "Anterior cranial base", "mm", "distance", SN),
    M("SAr_mm", "Posterior cranial base", "mm", "distance", ("S", "Ar")),
    M("GoMe_mm", "Mandibular body", "mm", "distance", MP),
    M("N_ANS_mm", "Upper anterior face height", "mm", "distance", ("N", "ANS")),
    M("ANS_Me_mm", "Lower anterior face height", "mm", "distance", ("ANS", "Me")),
    M("N_Me_mm", "Anterior face height", "mm", "distance", ("N", "Me")),
    M("S_Go_mm", "Posterior face height", "mm", "distance", ("S", "Go")),
    M("Ar_Go_mm", "Ramus height", "mm", "distance", ("Ar", "Go")),
    M("Jarabak_pct", "Face height ratio (Jarabak)", "%", "ratio", ("S", "Go", "N", "Me"), sign="larger: grows horizontally"),
    M("ANSMe_NMe_pct", "Lower share of the anterior face height", "%", "ratio", ("ANS", "Me", "N", "Me"),
      convention="of the direct distances, not of their projections"),
)  # fmt: skip

DENTAL = (
    M("IMPA", "Lower incisor to mandibular plane", "deg", "directions", (*L1, "Me", "Go"), sign="larger: proclined",
      convention=f"the posterior angle; some programs give its supplement or its difference from 90°; {_MP}"),
    M("FMIA", "Lower incisor to FH", "deg", "directions", (*L1, *FH), sign="smaller: proclined",
      convention=f"180° − FMA − IMPA where the mandibular plane descends forward. {_POINTS}"),
    M("U1_NA_deg", "Upper incisor to N–A", "deg", "lean", (*U1, "N", "A"), sign=_PROCLINED),
    M("U1_NA_mm", "Upper incisor to N–A", "mm", "in_front", ("UIT", "N", "A"), sign=_FRONT, convention=_TIP),
    M("L1_NB_deg", "Lower incisor to N–B", "deg", "lean", (*L1, "N", "B"), sign=_PROCLINED),
    M("L1_NB_mm", "Lower incisor to N–B", "mm", "in_front", ("LIT", "N", "B"), sign=_FRONT, convention=_TIP),
    M("Holdaway", "Holdaway difference", "mm", "sum", terms=((1, "L1_NB_mm"), (-1, "Pog_NB_mm")),
      sign="positive: the incisor is ahead of the chin",
      convention="the difference of L1–NB and Pog–NB; others use the ratio 1 : 1"),
    M("U1_L1", "Interincisal angle", "deg", "directions", ("UIT", "UIA", "LIT", "LIA"), sign="smaller: proclined"),
    M("U1_SN", "Upper incisor to S–N", "deg", "directions", (*U1, "N", "S"), sign="larger: proclined",
      convention="the posterior-inferior angle"),
    M("U1_FH", "Upper incisor to FH", "deg", "directions", (*U1, *FH_BACK), sign="larger: proclined",
      convention=f"the posterior-inferior angle. {_POINTS}"),
    M("U1_PP", "Upper incisor to the palatal plane", "deg", "directions", (*U1, "ANS", "PNS"), sign="larger: proclined",
      convention="the posterior-inferior angle; some programs give its supplement"),
    M("U1_APog_mm", "Upper incisor to A–Pog", "mm", "in_front", ("UIT", "A", "Pog"), sign=_FRONT),
    M("U1_Avert_mm", "Upper incisor to the A-vertical", "mm", "ahead", ("UIT", "A", *FH), sign=_FRONT,
      convention=f"{_TIP}. {_POINTS}"),
    M("L1_APog_deg", "Lower incisor to A–Pog", "deg", "lean", (*L1, "A", "Pog"), sign=_PROCLINED),
    M("L1_APog_mm", "Lower incisor to A–Pog", "mm", "in_front", ("LIT", "A", "Pog"), sign=_FRONT),
    M("L1_OP_deg", "Lower incisor to the occlusal plane", "deg", "complement", ("LIT", "LIA", OP[1], OP[0]),
      sign="positive: proclined", convention=f"Downs's complement of the inner angle. {_BISECTED}"),
    M("Overjet_mm", "Overjet", "mm", "ahead", ("UIT", "LIT", *OP), sign="positive: the upper incisor in front",
      convention=f"tip to tip. {_BISECTED}"),
    M("Overbite_mm", "Overbite", "mm", "below", ("UIT", "LIT", *OP), sign="positive: overlapping", convention=_BISECTED),
)  # fmt: skip

SOFT_TISSUE = (
    M("Ls_E_mm", "Upper lip to the E line", "mm", "in_front", ("Ls", "Pn", "Pog`"), sign=_FRONT),
    M("Li_E_mm", "Lower lip to the E line", "mm", "in_front", ("Li", "Pn", "Pog`"), sign=_FRONT),
    M("Nasolabial", "Nasolabial angle from pronasale", "deg", "angle", ("Pn", "Sn", "Ls"),
      convention="about 20° larger than the angle to the columella; the norms of that angle do not apply"),
    M("Z_angle", "Z angle", "deg", "directions", (*FH_BACK, Foremost("Ls", "Li"), "Pog`"), sign="smaller: protrusive lips",
      convention=f"through the more anterior lip along FH, not the tangent. {_POINTS}"),
    M("H_angle", "H angle", "deg", "lean", ("Pog`", "Ls", "N`", "Pog`"), sign="positive: upper lip in front of N`–Pog`"),
    M("SoftConvexity", "Soft-tissue convexity", "deg", "angle", ("N`", "Sn", "Pog`"), sign="smaller: convex",
      convention="through N`; others use glabella, or give the difference from 180°"),
)  # fmt: skip

PARTS = (M("AB_MP", "A–B to the mandibular plane", "deg", "directions", ("B", "A", "Me", "Go")),)
"""Parts of sums that are not shown in tables."""

MEASUREMENTS = {measurement.key: measurement for measurement in (*SKELETAL, *VERTICAL, *DENTAL, *SOFT_TISSUE)}
"""Measurements by key."""

VERTICAL_MEASUREMENTS = (
    "N_ANS_mm",
    "ANS_Me_mm",
    "N_Me_mm",
    "S_Go_mm",
    "Ar_Go_mm",
    "Jarabak_pct",
    "ANSMe_NMe_pct",
    "SN_GoGn",
    "FMA",
    "PP_MP",
)
"""Keys of the ten vertical measurements, in the order of a network's outputs."""
