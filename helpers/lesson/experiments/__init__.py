"""Experiments: a stale ETag, self-attestation, wrong proofs, an attack, and a PKI team that signs requests."""

from helpers.lesson.experiments.attack import Attack, Audit, audit
from helpers.lesson.experiments.device_trials import DeviceTrials
from helpers.lesson.experiments.pki_team import PkiTeam
from helpers.lesson.experiments.self_attestation import TwoWays, compare_with_self_attestation
from helpers.lesson.experiments.stale_etag import StaleEtag, send_both_etags
from helpers.lesson.experiments.wrong_proofs import WRONG_PROOFS

__all__ = [
    "WRONG_PROOFS",
    "Attack",
    "Audit",
    "DeviceTrials",
    "PkiTeam",
    "StaleEtag",
    "TwoWays",
    "audit",
    "compare_with_self_attestation",
    "send_both_etags",
]
