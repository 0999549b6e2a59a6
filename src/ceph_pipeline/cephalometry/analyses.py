"""Named analyses: the measurements of each, and the measurements that the landmarks do not allow."""

from __future__ import annotations

from dataclasses import dataclass

from ceph_pipeline.cephalometry.measurements import VERTICAL_MEASUREMENTS


@dataclass(frozen=True)
class Analysis:
    """A selection of measurements.

    Attributes:
        key: Name in tables and parameters.
        title: Name in reports.
        measurements: Keys, in the order of a report.
        missing: Measurements of the analysis that cannot be computed, with the missing points.
        source: Publication.
    """

    key: str
    title: str
    measurements: tuple[str, ...]
    missing: tuple[str, ...] = ()
    source: str = ""


_ALL = (
    Analysis(
        "steiner",
        "Steiner",
        (
            "SNA", "SNB", "ANB", "OP_SN", "SN_GoGn", "U1_NA_deg", "U1_NA_mm", "L1_NB_deg", "L1_NB_mm", "U1_L1", "Pog_NB_mm",
            "Holdaway",
        ),
        ("SND (point D)", "S-L and S-E (projections of Pogonion and of the condyle's back)", "S line (columella)"),
        "Steiner CC. Cephalometrics for you and me. Am J Orthod 1953;39:729–755",
    ),
    Analysis(
        "downs",
        "Downs",
        ("FacialAngle", "Convexity", "ABPlane", "FMA", "YAxis", "OP_FH", "U1_L1", "L1_OP_deg", "IMPA", "U1_APog_mm"),
        (),
        "Downs WB. Variations in facial relationships. Am J Orthod 1948;34:812–840",
    ),
    Analysis(
        "tweed",
        "Tweed",
        ("FMA", "IMPA", "FMIA"),
        (),
        "Tweed CH. The Frankfort-mandibular incisor angle (FMIA). Angle Orthod 1954;24:121–169",
    ),
    Analysis(
        "jarabak",
        "Jarabak",
        (
            "Saddle", "Articular", "Gonial", "BjorkSum", "UpperGonial", "LowerGonial", "SN_mm", "SAr_mm", "Ar_Go_mm",
            "GoMe_mm", "S_Go_mm", "N_Me_mm", "Jarabak_pct",
        ),
        (),
        "Jarabak JR, Fizzell JA. Technique and treatment with light-wire edgewise appliances. Mosby 1972",
    ),
    Analysis(
        "bjork",
        "Björk",
        ("Saddle", "Articular", "Gonial", "BjorkSum", "SNA", "SNB", "ANB", "SN_PP", "SN_GoMe", "PP_MP"),
        ("alveolar prognathism (prosthion, infradentale)", "N-S-Ba (basion)"),
        "Björk A. The face in profile. Sven Tandlak Tidskr 1947;40:suppl 5B",
    ),
    Analysis(
        "mcnamara",
        "McNamara",
        ("A_Nperp_mm", "CoA_mm", "CoGn_mm", "MaxMand_mm", "ANS_Me_mm", "FMA", "Pog_Nperp_mm", "U1_Avert_mm", "L1_APog_mm"),
        ("facial axis (Ba, Pt)", "upper and lower pharynx (airway contours)", "nasolabial angle (columella)"),
        "McNamara JA. A method of cephalometric evaluation. Am J Orthod 1984;86:449–469",
    ),
    Analysis(
        "wits",
        "Wits",
        ("Wits_mm", "WitsFunctional_mm", "ANB"),
        (),
        "Jacobson A. The “Wits” appraisal of jaw disharmony. Am J Orthod 1975;67:125–138",
    ),
    Analysis(
        "ricketts",
        "Ricketts",
        ("FacialAngle", "FMA", "FH_PP", "L1_APog_mm", "L1_APog_deg", "U1_APog_mm", "U1_L1", "Ls_E_mm", "Li_E_mm"),
        (
            "facial axis (Ba, Pt)", "lower face height (Xi, protuberance menti)",
            "mandibular arc (Xi, DC, protuberance menti)", "upper molar to the pterygoid vertical (Pt)",
            "cranial deflection (Ba)", "convexity in mm (a distance; this table contains Downs's angle)",
        ),
        "Ricketts RM. Perspectives in the clinical application of cephalometrics. Angle Orthod 1981;51:115–150",
    ),
    Analysis(
        "kim",
        "Kim",
        ("APDI", "ODI", "FacialAngle", "ABPlane", "FH_PP"),
        (),
        "Kim YH. Overbite depth indicator. Am J Orthod 1974;65:586–611; anteroposterior dysplasia indicator. 1978;73:619–633",
    ),
    Analysis(
        "incisors",
        "Incisors",
        (
            "Overjet_mm", "Overbite_mm", "U1_SN", "U1_FH", "U1_PP", "U1_NA_deg", "U1_NA_mm", "IMPA", "FMIA", "L1_NB_deg",
            "L1_NB_mm", "L1_APog_deg", "L1_APog_mm", "L1_OP_deg", "U1_L1",
        ),
    ),
    Analysis(
        "soft_tissue",
        "Soft tissue",
        ("Ls_E_mm", "Li_E_mm", "Nasolabial", "Z_angle", "H_angle", "SoftConvexity"),
        (
            "nasolabial angle (columella)", "interlabial gap and lip lengths (stomion)", "convexity from glabella",
            "S line (columella)",
        ),
        "Ricketts RM 1968, Merrifield LL 1966, Holdaway RA 1983 (all Am J Orthod)",
    ),
    Analysis("vertical", "Vertical", VERTICAL_MEASUREMENTS),
)  # fmt: skip

ANALYSES = {analysis.key: analysis for analysis in _ALL}
"""Analyses by key. Together they contain every measurement."""
