"""A face that looks to the left, 5 px a millimetre: Class III, incisors leaning back, palate and OP ascending forward.

x grows backwards here, so that "in front" is a smaller x. Arithmetic beside each value.
"""

import math

import pytest

from ceph_pipeline.cephalometry import measure

FACE = {
    "Po": (600, 200),
    "Or": (200, 200),
    "S": (560, 100),
    "N": (160, 100),
    "A": (170, 380),
    "B": (150, 520),
    "Pog": (140, 600),
    "PNS": (400, 330),
    "ANS": (150, 310),
    "UIA": (190, 330),
    "UIT": (220, 430),
    "LIT": (205, 425),
    "LIA": (160, 525),
    "UMT": (340, 440),
    "LMT": (340, 440),
    "Go": (500, 480),
    "Me": (200, 640),
    "Ls": (80, 420),
    "Li": (70, 470),
    "N`": (130, 100),
    "Pog`": (90, 600),
}


def atan(opposite, adjacent):
    return math.degrees(math.atan2(opposite, adjacent))


# OP runs from (340, 440) to mid(UIT, LIT) = (212.5, 427.5): forward (−127.5, −12.5), that is ascending.
OP = math.hypot(127.5, 12.5)

EXPECTED = {
    # Seen from N, A lies 10 px behind the vertical over 280, B 10 px in front of it over 420.
    "ANB": -(atan(10, 280) + atan(10, 420)),
    "A_Nperp_mm": -10 / 5,
    "Pog_Nperp_mm": 20 / 5,
    # N→A leans back by 10 over 280, A→Pog forward by 30 over 220; A is behind N–Pog.
    "Convexity": -(atan(10, 280) + atan(30, 220)),
    # A→B leans forward by 20 over 140, N→Pog by 20 over 500; B is in front, hence positive.
    "ABPlane": atan(20, 140) - atan(20, 500),
    # Pog − B = (−10, 80); N→B = (−10, 420): cross (−10·420 + 10·80) = −3400 px², in front.
    "Pog_NB_mm": 3400 / math.hypot(10, 420) / 5,
    # LIT − N = (45, 325): cross (45·420 + 10·325) = 22150 px² behind N–B, and 3400 less in front of it, the chin's.
    "Holdaway": (-22150 - 3400) / math.hypot(10, 420) / 5,
    # UIT − A = (50, 50), LIT − A = (35, 45); A→Pog = (−30, 220): crosses 50·220 + 30·50 and 35·220 + 30·45, both behind.
    "U1_APog_mm": -12500 / math.hypot(30, 220) / 5,
    "L1_APog_mm": -9050 / math.hypot(30, 220) / 5,
    # Upwards the lower incisor runs back by 45 over 100, Pog→A by 30 over 220.
    "L1_APog_deg": -(atan(45, 100) - atan(30, 220)),
    # PNS→ANS rises by 20 over 250.
    "FH_PP": -atan(20, 250),
    "SN_PP": -atan(20, 250),
    "OP_FH": -atan(12.5, 127.5),
    # A − B = (20, −140); along OP: (20·−127.5 + −140·−12.5) / |OP|.
    "Wits_mm": (-2550 + 1750) / OP / 5,
    # UIT − LIT = (15, 5): along OP (15·−127.5 + 5·−12.5); down, across OP, is (−12.5, 127.5): (15·−12.5 + 5·127.5).
    "Overjet_mm": (-1912.5 - 62.5) / OP / 5,
    "Overbite_mm": (-187.5 + 637.5) / OP / 5,
    # From apex to tip the upper incisor runs back by 30 over 100, N→A by 10 over 280.
    "U1_NA_deg": -(atan(30, 100) - atan(10, 280)),
    # Upwards the lower incisor runs back by 45 over 100, B→N by 10 over 420.
    "L1_NB_deg": -(atan(45, 100) - atan(10, 420)),
    # The tip lies 50 px behind A.
    "U1_Avert_mm": -50 / 5,
    # The incisor's axis from the vertical, 30 over 100 backwards, taken from 90°.
    "U1_FH": 90 - atan(30, 100),
    # Of the lower lip, which lies further in front: Li→Pog` runs back by 20 over 130.
    "Z_angle": 90 - atan(20, 130),
    # Upwards from Pog`, Ls lies forward by 10 over 180, N` back by 40 over 500.
    "H_angle": atan(10, 180) + atan(40, 500),
    # B→A (20, −140) runs back going up, Me→Go (300, −160): 90° − 8.13° and 28.07° above backwards.
    "ODI": (atan(140, 20) - atan(160, 300)) - atan(20, 250),
    # FH to N–Pog: 20 forward over 500.
    "APDI": (90 + atan(20, 500)) + (atan(20, 140) - atan(20, 500)) - atan(20, 250),
}


@pytest.mark.parametrize("key", list(EXPECTED))
def test_by_hand(key):
    assert measure(FACE, 0.2)[key] == pytest.approx(EXPECTED[key], abs=1e-9)


def test_its_mirror_image_has_the_same_values():
    mirrored = {name: (-x, y) for name, (x, y) in FACE.items()}
    assert measure(mirrored, 0.2) == pytest.approx(measure(FACE, 0.2))


def test_standing_on_its_head_it_has_the_same_values():
    turned = {name: (-x, -y) for name, (x, y) in FACE.items()}
    assert measure(turned, 0.2) == pytest.approx(measure(FACE, 0.2))
