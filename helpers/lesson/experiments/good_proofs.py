"""The good proofs: cases that DPS accepts although some look unusual. Without them, one could reject everything and be right."""

from datetime import timedelta

from cryptography.hazmat.primitives.serialization import Encoding

from helpers.certificates import KeyAlgorithm
from helpers.lesson.experiments.proof_case import Answer, Attempt, ProofCase, Stage, add_case
from helpers.lesson.experiments.proof_parts import DAY, crafted, encoded, named, sent_as_pem, signed

__all__ = ["GOOD_PROOFS"]

GOOD_PROOFS: dict[str, ProofCase] = {}
_YEAR = 365 * DAY


@add_case(
    GOOD_PROOFS,
    Answer.ACCEPTED,
    "This is all that a proof needs.",
    seen="azure-cli, recorded in test_dps_certificate_lifecycle.yaml",
)
def by_the_book(stage: Stage) -> Attempt:
    """A proof by the book

    root -> intermediate (at DPS) -> proof, CN = the code

    The key of the CA at DPS signed the newest code, and the proof is valid today.
    """
    return sent_as_pem(stage.intermediate.sign_verification_code(stage.code).certificate)


@add_case(
    GOOD_PROOFS,
    Answer.ACCEPTED,
    "Leave the choice of the algorithm to the CA's key, and check a signature with a call that knows both kinds.",
    key_algorithm=KeyAlgorithm.RSA2048,
)
def rsa_key(stage: Stage) -> Attempt:
    """A CA with an RSA key

    root -> intermediate with an RSA key (at DPS) -> proof, CN = the code

    DPS accepts RSA and EC keys. The proof's own key pair is EC here: the two need not be of the same kind.
    """
    return signed(stage.intermediate, stage.code)


@add_case(
    GOOD_PROOFS,
    Answer.ACCEPTED,
    "PEM and DER are the same certificate in two encodings: read both.",
    seen="azure-powershell, recorded in IotDpsCertificateLifeCycle.json",
)
def der_encoding(stage: Stage) -> Attempt:
    """The proof as DER

    root -> intermediate (at DPS) -> proof in DER, CN = the code

    PowerShell writes this encoding, and many .cer files have it. PEM is the same bytes in base64 with a line above and below.
    """
    proof = signed(stage.intermediate, stage.code).proof
    assert proof is not None
    return Attempt(encoded(proof.public_bytes(Encoding.DER)), "base64 of a certificate in DER", proof)


@add_case(GOOD_PROOFS, Answer.ACCEPTED, "A short validity period is fine: DPS needs the proof only once.")
def minutes_left(stage: Stage) -> Attempt:
    """Valid for ten more minutes

    root -> intermediate (at DPS) -> proof, valid for ten more minutes

    Only the moment when DPS looks counts. After that, the proof has no use.
    """
    return signed(stage.intermediate, stage.code, life=(-timedelta(hours=1), timedelta(minutes=10)))


@add_case(GOOD_PROOFS, Answer.ACCEPTED, "A long validity period does no harm here, because each code works only once.")
def valid_for_years(stage: Stage) -> Attempt:
    """Valid for nine years

    root -> intermediate (at DPS) -> proof, valid from last year for ten years

    DPS sets no limit on the validity period. The code makes the proof new, not its dates.
    """
    return signed(stage.intermediate, stage.code, life=(-_YEAR, 9 * _YEAR))


@add_case(GOOD_PROOFS, Answer.ACCEPTED, "Leave extensions out if your tool does: DPS does not ask for them.")
def no_extensions(stage: Stage) -> Attempt:
    """A proof without extensions

    root -> intermediate (at DPS) -> proof without any extension, CN = the code

    Extensions say what a certificate may be used for. A proof is used for nothing but its signature.
    """
    ca = stage.intermediate
    return sent_as_pem(crafted(named(stage.code), ca.certificate.subject, ca.private_key, extensions=False))


@add_case(GOOD_PROOFS, Answer.ACCEPTED, "Compare the common name, and not the whole subject.")
def further_attributes(stage: Stage) -> Attempt:
    """A subject with more than the code

    root -> intermediate (at DPS) -> proof, O = Contoso, C = US, CN = the code

    Some tools always add a country and an organization. DPS looks for the code in the common name only.
    """
    subject = named(stage.code, country_name="US", organization_name="Contoso")
    ca = stage.intermediate
    return sent_as_pem(crafted(subject, ca.certificate.subject, ca.private_key))


@add_case(GOOD_PROOFS, Answer.ACCEPTED, "Whichever CA you upload must sign: here it is the root.", uploaded="root")
def root_at_dps(stage: Stage) -> Attempt:
    """A root that proves itself

    root (at DPS) -> proof, CN = the code

    You can upload a root as well as an intermediate. The rule is the same: the key of the CA at DPS signs.
    """
    return signed(stage.root, stage.code)


@add_case(
    GOOD_PROOFS,
    Answer.ACCEPTED,
    "Make a new key pair for the proof nevertheless. Whether Azure accepts this one is not publicly known.",
    is_local=True,
)
def own_public_key(stage: Stage) -> Attempt:
    """A proof for the CA's own key

    root -> intermediate (at DPS) -> proof with the intermediate's public key, CN = the code

    The public key in a proof doesn't matter. Only the signature shows who holds the CA's key.
    """
    ca = stage.intermediate
    return sent_as_pem(crafted(named(stage.code), ca.certificate.subject, ca.private_key, own_key=ca.private_key))
