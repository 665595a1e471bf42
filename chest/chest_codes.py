"""The coded concepts that only a chest has; those of any reading stand in `radiology.codes`.

Beside each stands where its triplet comes from, as there.
"""

from __future__ import annotations

from radiology.codes import PRIVATE_SCHEME, Code

# --- The report ---------------------------------------------------------------------------------
CT_CHEST = Code("24627-2", "LN", "CT Chest")  # LOINC; PS3.16 CID 7000 has it as report title

# --- Anatomy ------------------------------------------------------------------------------------
LUNG = Code("39607008", "SCT", "Lung")  # CID 4
LOBE_OF_LUNG = Code("31094006", "SCT", "Lobe of lung")  # CID 7151
UPPER_LOBE = Code("45653009", "SCT", "Upper lobe of lung")  # CID 6170
MIDDLE_LOBE = Code("72481006", "SCT", "Middle lobe of right lung")  # CID 6170
LOWER_LOBE = Code("90572001", "SCT", "Lower lobe of lung")  # CID 6170
UPPER_ZONE = Code("281392002", "SCT", "Upper zone of lung")  # CID 6171
MIDDLE_ZONE = Code("281393007", "SCT", "Middle zone of lung")  # CID 6171
LOWER_ZONE = Code("281394001", "SCT", "Lower zone of lung")  # CID 6171
PLEURA = Code("3120008", "SCT", "Pleura")  # CID 7151

# --- Findings -----------------------------------------------------------------------------------
PLEURAL_EFFUSION = Code("60046008", "SCT", "Pleural effusion")  # CID 645
ABNORMAL_OPACITY = Code("112033", "DCM", "Abnormal opacity")  # CID 6101
GROUND_GLASS_OPACITY = Code("112120", "DCM", "Ground glass opacity")  # CID 6102, CID 6104
# SNOMED CT international edition; PS3.16 has no concept for it (CID 6104 is extensible).
CONSOLIDATION = Code("95436008", "SCT", "Lung consolidation")
AIR_BRONCHOGRAM = Code("112071", "DCM", "Air bronchogram")  # CID 6102
# Its definition in PS3.16 Annex D is that of interlobular septal thickening.
SEPTAL_LINES = Code("112114", "DCM", "Septal line(s)")  # CID 6103

# --- Ours: no standard concept found ------------------------------------------------------------
TRIAGE = Code("TRIAGE", PRIVATE_SCHEME, "AI triage of chest CT")
LESION_SHARE = Code("LESION_SHARE", PRIVATE_SCHEME, "Lesion share of lung")
GROUND_GLASS_VOLUME = Code("GGO_VOLUME", PRIVATE_SCHEME, "Ground glass volume")
CONSOLIDATION_VOLUME = Code("CONSOL_VOLUME", PRIVATE_SCHEME, "Consolidation volume")
LESION_VOLUME = Code("LESION_VOLUME", PRIVATE_SCHEME, "Lesion volume")
LESION_ATTENUATION = Code("LESION_HU", PRIVATE_SCHEME, "Mean attenuation of lesions")
SHARE_OF_LOBE = Code("SHARE_OF_LOBE", PRIVATE_SCHEME, "Lesion share of lobe")
SHARE_OF_ZONE = Code("SHARE_OF_ZONE", PRIVATE_SCHEME, "Lesion share of zone")
ZONE_OF_LUNG = Code("ZONE_OF_LUNG", PRIVATE_SCHEME, "Zone of lung, a third of its height")
PNEUMONIA_TYPE = Code("PNEUMONIA_TYPE", PRIVATE_SCHEME, "Pneumonia type (hint, no diagnosis)")
VIRAL_PROBABILITY = Code("VIRAL_PROB", PRIVATE_SCHEME, "Viral pattern probability (hint)")
VIRAL_SUSPECTED = Code("VIRAL", PRIVATE_SCHEME, "Viral pattern suspected")
VIRAL_NOT_SUSPECTED = Code("NOT_VIRAL", PRIVATE_SCHEME, "Viral pattern not suspected")
SIGNS = Code("SIGNS", PRIVATE_SCHEME, "Signs of pneumonia")
CRAZY_PAVING = Code("CRAZY_PAVING", PRIVATE_SCHEME, "Crazy paving")
GROUND_GLASS_PROBABILITY = Code("GGO_PROB", PRIVATE_SCHEME, "Ground glass, probability")
CONSOLIDATION_PROBABILITY = Code("CONSOL_PROB", PRIVATE_SCHEME, "Consolidation, probability")
CRAZY_PAVING_PROBABILITY = Code("PAVING_PROB", PRIVATE_SCHEME, "Crazy paving, probability")
AIR_BRONCHOGRAM_PROBABILITY = Code("BRONCHO_PROB", PRIVATE_SCHEME, "Air bronchogram, probability")
SEPTAL_LINES_PROBABILITY = Code("SEPTAL_PROB", PRIVATE_SCHEME, "Septal lines, probability")
MOSMED_GRADE = Code("MOSMED_GRADE", PRIVATE_SCHEME, "MosMed CT grade (0 to 4)")
CT_SEVERITY_SCORE = Code("CT_SEVERITY", PRIVATE_SCHEME, "CT severity score (0 to 25)")
PRIOR_LESION_VOLUME = Code("PRIOR_LESION_ML", PRIVATE_SCHEME, "Lesion volume in the prior study")
LESION_VOLUME_CHANGE = Code("LESION_CHANGE", PRIVATE_SCHEME, "Change of lesion volume")
LESION_GROWTH = Code("LESION_GROWTH", PRIVATE_SCHEME, "Growth of lesions since the prior study")
