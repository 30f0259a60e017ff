"""The wrong proofs: nineteen cases that DPS rejects.

The notebook shows these descriptions, the tests compare the service, OpenSSL and the examiner with them, and
`python -m helpers.lesson.experiments` writes WRONG_PROOFS.md from them.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from helpers.certificates import CertificateAuthority, signature_hash
from helpers.lesson.experiments.proof_case import Answer, Attempt, ProofCase, Stage, add_case
from helpers.lesson.experiments.proof_parts import DAY, crafted, encoded, name_of, named, sent_as_pem, signed

__all__ = ["WRONG_PROOFS"]

WRONG_PROOFS: dict[str, ProofCase] = {}


def _wrong(
    answer: Answer, fix: str, **options: Any
) -> Callable[[Callable[[Stage], Attempt]], Callable[[Stage], Attempt]]:
    """Add a wrong proof."""
    return add_case(WRONG_PROOFS, answer, fix, **options)


# --- the name ---------------------------------------------------------------------------------------------------------


@_wrong(Answer.NAME, "Put the code into the common name (CN), and nothing else.")
def another_common_name(stage: Stage) -> Attempt:
    """The proof for another purpose

    root -> intermediate (at DPS) -> proof, CN = my-proof

    The right key signed it. But this certificate could have been made at any time and for any purpose, and anyone could
    have found it. Only the code shows that the key signed it now, and for this service.
    """
    return signed(stage.intermediate, "my-proof")


@_wrong(Answer.NAME, "Copy the code exactly as it is: 48 characters in upper case.")
def lower_case_code(stage: Stage) -> Attempt:
    """The code in lower case

    root -> intermediate (at DPS) -> proof, CN = the code in lower case

    The common name must equal the code in every character. Some tools change the case along the way.
    """
    return signed(stage.intermediate, stage.code.lower())


@_wrong(Answer.NAME, "Sign the newest code. Each new code voids the one before.", codes=2)
def old_code(stage: Stage) -> Attempt:
    """Yesterday's code

    root -> intermediate (at DPS) -> proof, CN = the code before the newest

    Someone has asked for another code: a colleague, or a script that ran twice. Only the newest code counts.
    """
    return signed(stage.intermediate, stage.old_code, cn_is="the code before the newest")


@_wrong(Answer.NAME, "Ask for a code at the same service to which you are going to send the proof.")
def another_services_code(stage: Stage) -> Attempt:
    """Another service's code

    root -> intermediate (at DPS) -> proof, CN = the code of another provisioning service

    The CA is registered with two services, and each generated a code. A service accepts only its own code. A code does not
    say which service it comes from. So sign only codes that you asked for yourself: otherwise, you prove your CA to another
    organization's service.
    """
    return signed(stage.intermediate, stage.elsewhere(), cn_is="the other service's code")


# --- the signer -------------------------------------------------------------------------------------------------------


@_wrong(
    Answer.SIGNER,
    "Sign with the private key that belongs to the uploaded certificate. A CA that you create again is another CA.",
)
def namesake(stage: Stage) -> Attempt:
    """Another CA of the same name

    root -> intermediate (at DPS); another CA of the same name -> proof

    Names prove nothing: anyone can give a CA this name. It also happens by mistake, for example if a script creates the CA
    again at each run: the name stays the same, but the key is new.
    """
    other = CertificateAuthority.create_root(name_of(stage.intermediate))
    return signed(other, stage.code, around=(other.certificate,))


@_wrong(Answer.SIGNER, "Sign with the key of the CA that you uploaded, not with the key of its sibling.")
def sibling_intermediate(stage: Stage) -> Attempt:
    """A sibling below the same root

    root -> intermediate (at DPS); root -> sibling -> proof

    The same root signed both CAs, but each CA has its own key. A signature made with the sibling's key does not show that you
    hold the key of the uploaded CA.
    """
    return signed(stage.sibling, stage.code, around=(stage.sibling.certificate,))


@_wrong(
    Answer.SIGNER,
    "Sign with the intermediate's key, or upload the root and prove the root instead.",
    seen="azure-iot-sdk-c#1347",
)
def root_instead_of_intermediate(stage: Stage) -> Attempt:
    """The root signs for its intermediate

    root -> intermediate (at DPS); root -> proof

    The root is above the intermediate, but DPS asks for a signature made with the intermediate's key. Microsoft's certGen.sh
    makes this mistake: it signs every proof with the root.
    """
    return signed(stage.root, stage.code)


@_wrong(Answer.SIGNER, "Sign with the root's key, or register and verify the intermediate instead.", uploaded="root")
def intermediate_instead_of_root(stage: Stage) -> Attempt:
    """The intermediate signs for the root

    root (at DPS) -> intermediate -> proof

    The chain leads up to the root, but the root's own key did not sign the code. If DPS accepted this, everyone with an
    intermediate below a root could claim to own the root.
    """
    return signed(stage.intermediate, stage.code)


@_wrong(Answer.SIGNER, "Sign with the CA's key. A device's key signs handshakes, never certificates.")
def signed_by_a_device(stage: Stage) -> Attempt:
    """A device signs

    root -> intermediate (at DPS) -> device -> proof

    Each signature matches the key above it, up to the CA's key. But a device is not a CA and can't sign for one. Otherwise,
    every device could speak for the CA that issued its certificate.
    """
    device = stage.intermediate.issue_device("pump-1")
    proof = crafted(named(stage.code), device.certificate.subject, device.private_key)
    return sent_as_pem(proof, around=(device.certificate,))


@_wrong(
    Answer.SIGNER, "Name the CA as the issuer (in OpenSSL, -CA and -CAkey), so that the CA's key makes the signature."
)
def self_signed(stage: Stage) -> Attempt:
    """The proof signs itself

    root -> intermediate (at DPS); proof -> itself

    This is an easy mistake: `openssl req -x509` signs with the new key. The result shows that you hold that new key, which
    DPS did not ask for.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    return sent_as_pem(crafted(named(stage.code), named(stage.code), key, own_key=key))


@_wrong(Answer.SIGNER, "Send the verification certificate, not the CA's own.")
def the_ca_itself(stage: Stage) -> Attempt:
    """The CA's own certificate

    root -> intermediate (at DPS), and the same certificate again as the proof

    The parent's key signed it, not the CA's own key. Besides, this certificate is public and DPS already has it: it shows
    nothing about who holds the key.
    """
    return sent_as_pem(stage.intermediate.certificate)


# --- the dates --------------------------------------------------------------------------------------------------------


@_wrong(Answer.DATES, "Sign the code again. A proof is needed for minutes only, so a short validity period is fine.")
def expired(stage: Stage) -> Attempt:
    """Sent after three days

    root -> intermediate (at DPS) -> proof, valid until an hour ago

    The name and the key are right, but the proof has expired.
    """
    return signed(stage.intermediate, stage.code, life=(-3 * DAY, -timedelta(hours=1)))


@_wrong(
    Answer.DATES,
    "Set the clock of the machine that signs. Let a proof's validity begin an hour ago: that allows for small clock errors.",
)
def not_yet_valid(stage: Stage) -> Attempt:
    """Signed on a machine with a wrong clock

    root -> intermediate (at DPS) -> proof, valid from tomorrow

    The clock of the machine that signed is a day ahead. According to every other clock, the proof is not valid yet.
    """
    return signed(stage.intermediate, stage.code, life=(DAY, 3 * DAY))


# --- the form ---------------------------------------------------------------------------------------------------------


@_wrong(
    Answer.UNREADABLE,
    "Send the certificate: it begins with -----BEGIN CERTIFICATE-----, or it is DER.",
    seen="azure-cli#11131, for an upload and not for a proof",
)
def garbage(stage: Stage) -> Attempt:
    """Something else entirely

    root -> intermediate (at DPS); a text

    You picked the wrong file. DPS only says “internal error”, which sounds as if DPS were broken, but it is not.
    """
    return Attempt(encoded(f"my code is {stage.code}\n".encode()), "base64 of a text file")


@_wrong(Answer.UNREADABLE, "Have the CA sign the request, and send the resulting certificate.")
def signing_request(stage: Stage) -> Attempt:
    """The request instead of the certificate

    root -> intermediate (at DPS); a signing request, CN = the code

    You give a signing request (CSR) to a CA. This one contains the code, but no CA has signed it yet. So it is not a
    certificate, and DPS can't read it as one.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(named(stage.code)).sign(key, signature_hash(key))
    return Attempt(encoded(request.public_bytes(serialization.Encoding.PEM)), "base64 of a signing request (CSR)")


@_wrong(Answer.KEY, "Send certificates only. A key that you have sent somewhere is no longer secret: replace it.")
def private_key(_stage: Stage) -> Attempt:
    """The private key instead of the certificate

    root -> intermediate (at DPS); a private key

    You picked the file next to the right one. This notebook made the key for this purpose and deleted it; a real key would
    no longer be secret. These notebooks refuse to send a private key. This exhibit is the only exception.
    """
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Attempt(encoded(pem), "base64 of a private key, made only for this exhibit")


@_wrong(Answer.UNREADABLE, "Encode the file once. Azure's SDK does that for you if you pass bytes.")
def double_base64(stage: Stage) -> Attempt:
    """Encoded twice

    root -> intermediate (at DPS) -> proof, CN = the code, in base64 twice

    The certificate is right. But someone encoded it by hand, and then the SDK encoded it again.
    """
    right = signed(stage.intermediate, stage.code)
    return Attempt(encoded(right.sent.encode()), "base64 of base64 of a certificate", right.proof)


# --- the moment -------------------------------------------------------------------------------------------------------


@_wrong(Answer.NO_CODE, "Ask for a code first.", codes=0)
def no_code_asked_for(stage: Stage) -> Attempt:
    """A code of your own

    root -> intermediate (at DPS) -> proof, CN = 48 characters that you chose yourself

    A code that you chose yourself proves nothing: you might have signed it years ago.
    """
    return signed(stage.intermediate, "0123456789ABCDEF" * 3)


@_wrong(
    Answer.ETAG,
    "Use the ETag that came with the code, or read the certificate again.",
    seen="azure-cli#13098",
    stale=True,
)
def stale_etag(stage: Stage) -> Attempt:
    """A good proof with the first ETag

    root -> intermediate (at DPS) -> proof, CN = the code; If-Match names the upload's ETag

    The proof is right. But the request for the code changed the certificate's record at DPS, and this request names the
    version before that change.
    """
    return signed(stage.intermediate, stage.code)
