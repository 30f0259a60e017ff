"""What each exercise checks. A check tries the learner's function with values that nobody can know beforehand.

It returns a sentence about what the learner has shown, or raises WrongAnswer with what is wrong with this answer.
"""

import hashlib
import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import FrozenInstanceError, replace
from itertools import permutations
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from helpers.certificates import (
    CertificateAuthority,
    KeyAlgorithm,
    certificate_pem,
    describe,
    examine_chain,
    examine_proof,
)
from helpers.dps import IndividualEnrollment, RegisteredCertificate, removed
from helpers.lesson.course.answers import Unsolved, WrongAnswer, require, require_equal, require_passed
from helpers.lesson.course.exercises.chains import VERDICTS, judged_chains
from helpers.lesson.targets import rehearse
from helpers.lesson.targets.scratch import registered_for_a_moment, with_code
from helpers.workspace import Workspace

__all__ = [
    "chain_to_send",
    "key_fits",
    "may_leave",
    "revocation",
    "signed_by",
    "suspects",
    "thumbprint",
    "verdicts_on_chains",
    "verification_certificate",
    "verify_despite_stale_etag",
]


def key_fits(answer: Callable[..., Any], _workspace: Workspace) -> str:
    """00: find the private key of a certificate."""
    cas = [CertificateAuthority.create_root(f"CA {secrets.token_hex(4)}") for _ in range(3)]
    keys = [ca.private_key for ca in cas]
    for ca in random.sample(cas, 3):
        given = answer(ca.certificate, keys)
        require(
            given is not None, "It returned nothing, so no key was equal. Compare what public_key() returns, with ==."
        )
        require(given in keys, f"It returned {type(given).__name__}; it should return one of the private keys.")
        require(
            given == ca.private_key,
            "It returned a key that does not fit. Compare each key's public key with the one in the certificate.",
        )
    return "Only this private key can sign for that certificate. To find it, you compared public keys: nothing secret."


def signed_by(answer: Callable[[x509.Certificate, x509.Certificate], bool], _workspace: Workspace) -> str:
    """01: find out who signed a certificate."""
    name = f"CA {secrets.token_hex(4)}"
    ca, namesake, other = (CertificateAuthority.create_root(each) for each in (name, name, f"not {name}"))
    device = ca.issue_device("pump-1").certificate

    for certificate, issuer, wanted, pair in (
        (device, ca, True, "a device and the CA that signed it"),
        (device, namesake, False, "a device and another CA of the same name"),
        (device, other, False, "a device and a CA of another name"),
        (ca.certificate, ca, True, "a root and itself"),
    ):
        try:
            given = answer(certificate, issuer.certificate)
        except Unsolved:
            raise
        except Exception as error:
            reason = f"For {pair}, it raised {type(error).__name__}: {error}".rstrip(": ")
            raise WrongAnswer(f"{reason}. It should return {wanted}.") from error
        require_equal(given, wanted, pair)
    return "The signature decides, and not the name."


def thumbprint(answer: Callable[[x509.Certificate], str], _workspace: Workspace) -> str:
    """02: compute the thumbprint that DPS shows."""
    certificate = CertificateAuthority.create_root(f"CA {secrets.token_hex(4)}").certificate
    wanted = certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - what DPS shows
    given = answer(certificate)
    require(isinstance(given, str), f"It returned {type(given).__name__}; use .hex() to make the thumbprint a string.")
    require(len(given) == len(wanted), f"It has {len(given)} characters; SHA-1 in hexadecimal has {len(wanted)}.")
    require(
        given != hashlib.sha1(certificate_pem(certificate)).hexdigest().upper(),  # noqa: S324 - to recognize a mistake
        "It is the hash of the PEM text. A thumbprint is the hash of the certificate's DER bytes.",
    )
    require_equal(given, wanted, "a new CA's certificate")
    return "Compare it with the thumbprint in the portal, and you know which certificate is there."


def verification_certificate(answer: Callable[..., x509.Certificate], _workspace: Workspace) -> str:
    """03: sign a code by hand."""
    same_key = False
    for algorithm in (KeyAlgorithm.P256, KeyAlgorithm.RSA2048):
        root = CertificateAuthority.create_root("Exercise Root")
        ca = root.create_intermediate("Exercise CA", key_algorithm=algorithm)  # its issuer is not its subject
        code = secrets.token_hex(24).upper()
        try:
            given = answer(code, ca.certificate, ca.private_key)
        except TypeError as error:
            require("PublicKey" not in str(error), "public_key(…) got no public key. Pass new_key.public_key().")
            raise
        require(
            isinstance(given, x509.Certificate),
            "It returned no certificate. Call .sign(…) at the end of the builder to make one.",
        )
        name = describe(given).common_name
        is_proof = given != ca.certificate  # the examiner has more to say about the CA itself
        require(
            name == code or not is_proof, f"Its common name is {name!r}; it should be the code that your function gets."
        )
        require_passed(examine_proof(certificate_pem(given), ca.certificate, code), "Your verification certificate")
        same_key = given.public_key() == ca.certificate.public_key()
    praise = "The examiner finds nothing wrong with it, for an EC key and for an RSA key."
    return f"{praise} {_SAME_KEY}" if same_key else praise


_SAME_KEY = (
    "It contains the CA's own public key. The local DPS accepts that. It is not known whether Azure does: its documentation "
    "uses a new key pair."
)


def verify_despite_stale_etag(answer: Callable[..., object], workspace: Workspace) -> str:
    """04: verify a CA, starting from a stale ETag."""
    dps = rehearse(workspace)
    ca = CertificateAuthority.create_root("Exercise CA")
    with registered_for_a_moment(dps, ca.certificate) as uploaded:
        code = str(with_code(dps, uploaded).verification_code)
        proof = certificate_pem(ca.sign_verification_code(code).certificate)
        try:
            answer(dps.certificates, uploaded, proof)
        except FrozenInstanceError as error:
            raise WrongAnswer(
                "What you read from DPS can't be changed. Read the CA again, and verify that one."
            ) from error
        require(dps.certificates.get(uploaded.name).verified, "The CA is still unverified: did you send the proof?")
    return "Read before each change: then the ETag is always the current one, even if you started with an old value."


def chain_to_send(answer: Callable[..., Any], _workspace: Workspace) -> str:
    """06: put a device's chain together."""
    root = CertificateAuthority.create_root("Exercise Root", path_length=2)
    factory = root.create_intermediate("Exercise Factory")
    line = factory.create_intermediate("Exercise Line")
    device = line.issue_device("pump-1").certificate
    namesake = CertificateAuthority.create_root("Exercise Line").certificate
    for cas in permutations([root.certificate, factory.certificate, line.certificate, namesake]):
        given = list(answer(device, list(cas)))
        require(given and given[0] == device, "The device's own certificate comes first.")
        require(root.certificate not in given, "Leave out the root: a service that trusts the root already has it.")
        require(
            namesake not in given,
            "Two CAs have the name of the device's issuer. Only one of them signed the certificate: don't compare names.",
        )
        wanted = [device, line.certificate, factory.certificate]
        require(
            given == wanted or set(given) != set(wanted),
            "These are the right certificates in the wrong order. After each one comes that of the CA that signed it.",
        )
        require(
            given == wanted or given != wanted[: len(given)],
            f"It stops at “{describe(given[-1]).common_name}”. The CA that signed that certificate may come earlier in the list.",
        )
        require_passed(examine_chain(given, root.certificate, "pump-1"), "Your chain")
    return "The device's certificate comes first, then each certificate's issuer. The root is left out."


def revocation(answer: Callable[..., IndividualEnrollment], workspace: Workspace) -> str:
    """07: lock out one device."""
    name = f"pump-{secrets.token_hex(3)}"
    certificate = CertificateAuthority.create_root("Exercise CA").issue_device(name).certificate
    given = answer(name, certificate)
    if workspace.facts.revoked_device == name:
        removed(rehearse(workspace).individual_enrollments, name)
        workspace.update(revoked_device=None)
        raise WrongAnswer(
            "It created the enrollment at DPS. Only return the IndividualEnrollment: the caller creates it."
        )
    require(isinstance(given, IndividualEnrollment), "It returned no IndividualEnrollment.")
    require_equal(given.registration_id, name, "the registration id")
    require(given.certificate == certificate, "The enrollment is not for the device's certificate.")
    require(
        not given.enabled, "The enrollment is enabled, so DPS would accept the device even if its group is disabled."
    )
    return "DPS looks for an individual enrollment before any group. A disabled one rejects this device only."


def suspects(answer: Callable[..., Any], _workspace: Workspace) -> str:
    """09: find verified CAs that are not one's own."""
    own, others = ([secrets.token_hex(20).upper() for _ in range(2)] for _ in range(2))
    some = CertificateAuthority.create_root("Exercise CA").certificate
    base = RegisteredCertificate("", "CN=x", "", some.not_valid_after_utc, True, "etag")
    registered = [
        replace(base, name="mine", thumbprint=own[0]),
        replace(base, name="mine-too", thumbprint=own[1].lower()),
        replace(base, name="whose-is-this", thumbprint=others[0]),
        replace(base, name="harmless", thumbprint=others[1], verified=False),
    ]
    random.shuffle(registered)
    given = answer(registered, own)
    require(given is not None, "It returned nothing. Return the names of the CAs.")
    given = set(given)
    require(all(isinstance(each, str) for each in given), "Return the names of the CAs, not the CAs themselves.")
    faults = {
        "mine-too": "It suspects one of your own CAs: ignore case when you compare thumbprints.",
        "harmless": "It suspects a CA that is not verified: DPS accepts no device through such a CA.",
    }
    found = [fault for name, fault in faults.items() if name in given]
    require(not found, " ".join(found))
    require_equal(given, {"whose-is-this"}, "four CAs of which one is verified and not yours")
    return "Check your own service like this from time to time, because DPS does not warn you."


# --- decisions, not code ----------------------------------------------------------------------------------------------


def verdicts_on_chains(answers: Mapping[str, str | None], _workspace: Workspace) -> str:
    """05: say for each chain whether DPS accepts it, and why not."""
    _require_decisions(answers, {name: chain.verdict for name, chain in judged_chains().items()}, VERDICTS)
    for name, chain in judged_chains().items():
        require(answers[name] == chain.verdict, f"Chain {name} is not “{answers[name]}”. {chain.look}")
    return "You climbed each chain as DPS does: from the device upwards, to the first CA with a group."


def may_leave(answers: Mapping[str, str | None], _workspace: Workspace) -> str:
    """The clean-up: say for each file whether it may leave the machine."""
    _require_decisions(answers, {name: verdict for name, (verdict, _) in FILES.items()}, ("public", "secret"))
    for name, (verdict, why) in FILES.items():
        require(answers[name] == verdict, f"{name} is not {answers[name]}. {why}")
    return "Certificates, requests and proofs are public. A private key and its passphrase stay where they are."


def _require_decisions(answers: Mapping[str, str | None], wanted: Mapping[str, str], among: Sequence[str]) -> None:
    if all(answers.get(name) is None for name in wanted):
        raise Unsolved
    left = [name for name in wanted if answers.get(name) is None]
    require(not left, f"There is no answer for {', '.join(left)} yet.")
    for name in wanted:
        require(answers[name] in among, f"For {name}, “{answers[name]}” is not one of {', '.join(among)}.")


FILES: Mapping[str, tuple[str, str]] = {
    "ca/root.cer": ("public", "It is a certificate: it contains a public key and a signature, and nothing secret."),
    "ca/root.key.pem": (
        "secret",
        "It is the root's private key. Anyone who has it can issue certificates in your name.",
    ),
    "ca/intermediate.cer": ("public", "You uploaded this very file in 02."),
    "ca/intermediate.key.pem": ("secret", "It is the key that issues your devices' certificates."),
    "proof/verification.pem": ("public", "You sent it to DPS in 04. Its code is used up."),
    "devices/pump-1.pem": ("public", "It is the chain that the device shows in every handshake."),
    "devices/pump-1.key": ("secret", "With it and the chain, anyone can register as pump-1."),
}
"""Files of a workspace: whether each is public or secret, and why."""
