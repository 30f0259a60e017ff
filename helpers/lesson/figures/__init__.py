"""Pictures as HTML, which follows the theme, survives an export and needs no script; and as plain text."""

from helpers.lesson.figures.anatomy import CertificateAnatomy, ProofAnatomy
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
from helpers.lesson.figures.completion import CompletionCard, draw_completion
from helpers.lesson.figures.devices import AccessCard, HubCard, RecordsCard, RegistrationCard
from helpers.lesson.figures.happened import RecordedExchanges
from helpers.lesson.figures.ids import FourIds
from helpers.lesson.figures.matrix import AccessMatrix
from helpers.lesson.figures.outcomes import Outcomes
from helpers.lesson.figures.picture import STYLE, Listing, Picture, Showable, ours
from helpers.lesson.figures.planes import ThreePlanes
from helpers.lesson.figures.problems import AnswerCard
from helpers.lesson.figures.proof import CodeCard, EtagTrail, ProofSequence, Verdicts
from helpers.lesson.figures.scene import Scene
from helpers.lesson.figures.service import GroupPicture, ServiceCard
from helpers.lesson.figures.system_map import SystemMap
from helpers.lesson.figures.tabs import Tabs

__all__ = [
    "STYLE",
    "AccessCard",
    "AccessMatrix",
    "AnswerCard",
    "CertificateAnatomy",
    "CertificateCard",
    "CertificatesPage",
    "ChainTree",
    "Checklist",
    "CodeCard",
    "CompletionCard",
    "EtagTrail",
    "FourIds",
    "GroupPicture",
    "HubCard",
    "Listing",
    "Outcomes",
    "PageLine",
    "Picture",
    "ProofAnatomy",
    "ProofSequence",
    "RecordedExchanges",
    "RecordsCard",
    "RegistrationCard",
    "Scene",
    "ServiceCard",
    "Showable",
    "SystemMap",
    "Tabs",
    "ThreePlanes",
    "Verdicts",
    "draw_completion",
    "life",
    "ours",
    "show_certificate",
    "show_tree",
    "status_at_dps",
]
