"""The texts of the key picture in Chinese, by their English form; `{}` stands for a number."""

from __future__ import annotations

from collections.abc import Mapping

CHINESE: Mapping[str, str] = {
    # The answer
    "Lung opacities suspected": "疑似肺部密度增高影",
    "No lung opacities suspected": "未见疑似肺部密度增高影",
    "No answer for this study": "本次检查无法给出结果",
    "Read it as if it had not been analysed": "请按未经分析的检查阅片",
    "Suspicion {} %, threshold {} %": "可疑度 {} %，阈值 {} %",
    "Confidence high ({})": "置信度高（{}）",
    "Confidence moderate ({})": "置信度中等（{}）",
    "Confidence low ({})": "置信度低（{}）",
    "URGENT": "紧急",
    "SUSPECTED": "疑似",
    "ROUTINE": "常规",
    "NOT ASSESSABLE": "无法评估",
    "AI result - not for primary diagnosis": "人工智能结果，不可作为主要诊断依据",
    # Urgency rules
    "suspected, and lesions in {} % or more of the worse lung": (
        "疑似，且较重一侧肺病变占比 ≥ {} %"
    ),
    "suspected, and {} % or more of the lungs consolidated": "疑似，且双肺实变占比 ≥ {} %",
    "suspected, and lesions grew by more than {} % within {} h": (
        "疑似，且病变增大超过 {} %（{} 小时内）"
    ),
    "suspicion at or above its threshold": "可疑度达到或超过阈值",
    "suspicion below its threshold": "可疑度低于阈值",
    # Slices and outlines
    "image {}": "图像 {}",
    "reformatted": "重组图像",
    "Key slice": "关键层面",
    "Ground glass opacity": "磨玻璃影",
    "Consolidation": "实变",
    "Lung": "肺",
    "Where it looked: little": "模型关注程度：低",
    "much": "高",
    # Figures
    "Volume": "体积",
    "Lesions": "病变",
    "Share": "占比",
    "Ground glass": "磨玻璃",
    "Mean": "平均值",
    "and {} more": "共有 {} 项未显示",
    "Right lung": "右肺",
    "Left lung": "左肺",
    "Both lungs": "双肺",
    "Right upper lobe": "右肺上叶",
    "Right middle lobe": "右肺中叶",
    "Right lower lobe": "右肺下叶",
    "Left upper lobe": "左肺上叶",
    "Left lower lobe": "左肺下叶",
    "Right upper and middle lobe": "右肺上叶和中叶",
    "Right upper zone": "右肺上区",
    "Right middle zone": "右肺中区",
    "Right lower zone": "右肺下区",
    "Left upper zone": "左肺上区",
    "Left middle zone": "左肺中区",
    "Left lower zone": "左肺下区",
    # Statements
    "Change since {}-{}-{}": "自 {}-{}-{} 以来的变化",
    "Change since the earlier study": "与既往检查相比的变化",
    "lesions {} ml then, {} ml now": "病变由 {} ml 变为 {} ml",
    "{} new": "新发 {}",
    "{} grown": "增大 {}",
    "{} unchanged": "不变 {}",
    "{} shrunk": "缩小 {}",
    "{} resolved": "消失 {}",
    "not laid upon the earlier images well enough: lungs are compared as a whole": (
        "未能与既往图像对位：仅比较双肺"
    ),
    "Earlier CT": "既往 CT",
    "Now": "本次",
    "blocks of {} mm": "体素 {} mm",
    "{}-{}-{}": "{}-{}-{}",
    "Lesions then": "既往病变",
    "Type (a hint, no diagnosis)": "类型（仅供提示，并非诊断）",
    "viral pattern suspected": "疑似病毒性肺炎表现",
    "viral pattern not suspected": "不疑似病毒性肺炎表现",
    "undetermined": "不能确定",
    "no slice was classified": "没有层面被分类",
    "{} %, mean of {} slices": "{} %，{} 个层面的平均值",
    "Severity": "严重程度",
    "MosMed CT grade": "MosMed CT 分级",
    "CT severity score": "CT 严重程度评分",
    "CT-{}": "CT-{}",
    "at least CT-{}": "至少 CT-{}",
    "{} points": "{} 分",
    "{} point": "{} 分",
    "not computed": "未计算",
    "Lesion progress": "病变进展",
    "severe ({} %)": "重型（{} %）",
    "criterion not met ({} %)": "未达到标准（{} %）",
    "Guideline class": "指南分型",
    "mild": "轻型",
    "moderate": "普通型",
    "severe": "重型",
    "critical": "危重型",
    "at least moderate": "至少普通型",
    "at least mild": "至少轻型",
    "at least severe": "至少重型",
    "{}C Mortality Score": "{}C 死亡风险评分",
    "CURB-{}": "CURB-{}",
    "qCSI": "qCSI",
    "low ({} points)": "低危（{} 分）",
    "low-intermediate ({} points)": "中低危（{} 分）",
    "intermediate ({} points)": "中危（{} 分）",
    "high-intermediate ({} points)": "中高危（{} 分）",
    "high ({} points)": "高危（{} 分）",
    "very high ({} points)": "极高危（{} 分）",
    "low ({} point)": "低危（{} 分）",
    "low": "低危",
    "low-intermediate": "中低危",
    "intermediate": "中危",
    "high-intermediate": "中高危",
    "high": "高危",
    "very high": "极高危",
    "Signs": "征象",
    "none said to be present": "未提示任何征象",
    "ground-glass opacity": "磨玻璃影",
    "consolidation": "实变",
    "crazy paving": "铺路石征",
    "air bronchogram": "空气支气管征",
    "interlobular septal thickening": "小叶间隔增厚",
    "Pleural effusion": "胸腔积液",
    "right, {} ml": "右侧 {} ml",
    "left, {} ml": "左侧 {} ml",
    # Reservations (chest/values/other_disease.py)
    "Reservation": "保留意见",
    "An opacity is not told from tumour, fibrosis or atelectasis": (
        "不区分肺部阴影与肿瘤、纤维化或肺不张"
    ),
    (
        "{} % of the opacities within {} mm of the pleura that lies down: "
        "may be dependent atelectasis"
    ): "{} % 的阴影位于身体下垂侧胸膜 {} mm 以内：可能为坠积性肺不张",
    "{} % of the lungs below {} HU: may be emphysema": "{} % 的肺低于 {} HU：可能为肺气肿",
    "Rule that decides": "判定规则",
    "Lesions in {} % of the lungs, limit {} %": "病变占双肺 {} %，界值 {} %",
    "Lesions in {} slices running, limit {}": "连续 {} 个层面有病变，界值 {}",
    "Lesions in {} % of the slices, limit {} %": "{} % 的层面有病变，界值 {} %",
    "Lesions in {} % of a slice's lung, limit {} %": "单层面肺内病变占比 {} %，界值 {} %",
    "Lobes": "肺叶",
    "right oblique fissure not seen": "未见右肺斜裂",
    "right horizontal fissure not seen": "未见右肺水平裂",
    "left oblique fissure not seen": "未见左肺斜裂",
    "lobes there by the shape of the lungs": "该处肺叶按肺轮廓估计",
    "Zones are thirds of a lung's height, no lobes": "肺区为肺高度的三分之一，并非肺叶",
    "Quality": "质量",
    "{} of {} checks passed": "通过 {} 项检查，共 {} 项",
    "Warning": "警告",
    "Failed quality checks": "未通过的质量检查",
    "Checked and passed": "已检查并通过",
    "failed": "未通过",
    # Names of the gates
    "lungs found": "找到肺",
    "slices with lung": "含肺层面数",
    "lungs covered": "肺部覆盖范围",
    "lungs in the field of view": "肺在视野内",
    "lungs in proportion": "肺与体部比例",
    "lungs inside the body": "肺在体内",
    "trachea": "气管",
    "density of consolidation": "实变密度",
    "density of ground glass": "磨玻璃密度",
    "lesions along the lungs": "病灶沿肺分布",
    "lung in the key slice": "关键层面含肺",
    "noise": "噪声",
    "motion": "运动",
    "contrast phase": "增强时相",
    "slice thickness": "层厚",
    "pixel size": "像素大小",
    "lung volume": "肺容积",
    "adult": "成人",
    # What gates see and ask for
    "{} ml": "{} ml",
    "{} %": "{} %",
    "{} HU": "{} HU",
    "{} mm": "{} mm",
    "{}": "{}",
    "{} years": "{} 岁",
    "{} year": "{} 岁",
    "under {} year": "小于 {} 岁",
    "{} % of slices cut": "{} % 的层面被截断",
    "{} % of the body": "占体部 {} %",
    "{} % outside": "{} % 在体外",
    "{} mm between the lungs": "两肺之间 {} mm",
    "{} % at the ends": "{} % 位于两端",
    "{} % of the largest cross-section": "最大截面的 {} %",
    "at most {} ml": "至多 {} ml",
    "at most {} % outside": "体外至多 {} %",
    "at least {} mm": "至少 {} mm",
    "at most {} % at the ends": "两端至多 {} %",
    "{} to {} HU": "{} 至 {} HU",
    "{} HU between the lungs": "两肺之间 {} HU",
    "no soft tissue": "无软组织",
    "not measured": "未测量",
    "not measured: thick slices": "未测量：层厚过大",
    "at least {} ml": "至少 {} ml",
    "at least {}": "至少 {}",
    "at least {} %": "至少 {} %",
    "at least {} years": "至少 {} 岁",
    "at most {} %": "至多 {} %",
    "at most {} % of slices cut": "至多 {} % 的层面被截断",
    "at most {} HU": "至多 {} HU",
    "at most {} mm": "至多 {} mm",
    "at most {} jumps of the lungs' outline": "肺轮廓跳变至多 {} 处",
    "under {} HU": "低于 {} HU",
    # Why a gate was not passed
    "No lungs were found, or too little of them.": "未找到肺，或肺的范围过小。",
    "Too few slices show lung.": "显示肺的层面过少。",
    "The series ends in the middle of the lungs.": "序列在肺的中部终止。",
    "The field of view cuts the lungs off.": "视野截断了肺。",
    "What was taken for lungs is too small for the body: perhaps no chest.": (
        "被当作肺的部分相对于体部过小：可能不是胸部。"
    ),
    "Noise could not be measured: no soft tissue.": "无法测量噪声：没有软组织。",
    "The images are noisy: lesions may be missed.": "图像噪声大：可能漏诊病变。",
    "The patient moved or breathed: volumes and places may be wrong.": (
        "患者移动或呼吸：体积和位置可能有误。"
    ),
    "Contrast medium: densities of lesions are higher than without it.": (
        "使用了对比剂：病变密度高于平扫。"
    ),
    "Thick slices limit what can be seen: small and faint lesions are averaged away.": (
        "层厚过大限制了可见内容：小而淡的病变会因平均而消失。"
    ),
    "Coarse pixels limit what can be seen.": "像素过大限制了可见内容。",
    "Small lungs: a child, or breathed out.": "肺容积小：儿童或呼气状态。",
    "The model was made for adults.": "该模型针对成人。",
    "Larger lungs than patients have: perhaps they were outlined wrongly.": (
        "肺大于患者可能的大小：轮廓可能有误。"
    ),
    "The model took for lung what lies outside the body.": "模型把体外之物当作肺。",
    "No trachea was found between what was taken for lungs.": "在被当作肺的区域之间未找到气管。",
    "What was outlined as disease has the density of air or of metal.": (
        "被勾画为病变的区域具有空气或金属的密度。"
    ),
    "Nearly all that was outlined as disease lies at the very tips of the lungs.": (
        "被勾画为病变的区域几乎都在肺的末端。"
    ),
    "The slice with most disease shows hardly any lung.": "病变最多的层面几乎不含肺。",
}


def characters() -> str:
    """Every character that the font must have: those of the texts, and ASCII for figures.

    fonts/README.md says how the font is made from them.
    """
    ascii_characters = {chr(code) for code in range(0x20, 0x7F)}
    return "".join(sorted(ascii_characters.union(*CHINESE.values())))
