"""Pictures as HTML, which follows JupyterLab's theme, survives an export and needs no script; and as plain text."""

from helpers.lesson.figures.certificates import (
    CertificateCard,
    ChainTree,
    life,
    show_certificate,
    show_tree,
    status_at_dps,
)
from helpers.lesson.figures.certificates_page import CertificatesPage, PageLine
from helpers.lesson.figures.checklist import Checklist
from helpers.lesson.figures.devices import AccessCard, HubCard, RecordsCard, RegistrationCard
from helpers.lesson.figures.outcomes import Outcomes
from helpers.lesson.figures.picture import Listing, Picture, Showable, ours
from helpers.lesson.figures.problems import RefusalCard
from helpers.lesson.figures.proof import CodeCard, EtagTrail, ProofSequence, Verdicts
from helpers.lesson.figures.service import GroupPicture, ServiceCard

__all__ = [
    "AccessCard",
    "CertificateCard",
    "CertificatesPage",
    "ChainTree",
    "Checklist",
    "CodeCard",
    "EtagTrail",
    "GroupPicture",
    "HubCard",
    "Listing",
    "Outcomes",
    "PageLine",
    "Picture",
    "ProofSequence",
    "RecordsCard",
    "RefusalCard",
    "RegistrationCard",
    "ServiceCard",
    "Showable",
    "Verdicts",
    "life",
    "ours",
    "show_certificate",
    "show_tree",
    "status_at_dps",
]
