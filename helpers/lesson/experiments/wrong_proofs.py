"""The wrong proofs of the gallery. Each one is a function, and is described only there.

The notebook shows these descriptions, the tests compare the service, OpenSSL and the examiner with them, and
`python -m helpers.lesson.experiments` writes WRONG_PROOFS.md from them. The first line of a docstring is the title, the drawing
below it says who signed what, and the rest is the reason.
"""

import base64
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from helpers.certificates import CertificateAuthority, PrivateKey, certificate_pem, signature_hash

__all__ = ["WRONG_PROOFS", "Answer", "Attempt", "Stage", "WrongProof"]

_DAY = timedelta(days=1)


class Answer(Enum):
    """An answer of DPS: the HTTP status, the code of DPS, and the answer in words."""

    ACCEPTED = (200, "", "accepts it")
    SIGNER = (400, "400053", "rejects it, because another key signed it")
    NAME = (400, "400053", "rejects it, because its name is not the newest code")
    DATES = (400, "400053", "rejects it, because it is not valid today")
    NO_CODE = (400, "400053", "rejects it, because no code is waiting")
    UNREADABLE = (500, "500019", "can't read it, and answers with an internal error")
    KEY = (400, "400004", "rejects it, because it contains a private key")
    ETAG = (412, "412001", "rejects it, because the CA's record at DPS has changed in the meantime")

    def __init__(self, status: int, code: str, words: str) -> None:
        self.status = status
        self.code = code
        self.words = words

    def __str__(self) -> str:
        return f"DPS {self.words}"


@dataclass(frozen=True)
class Stage:
    """The CAs and the codes from which a wrong proof is made.

    Attributes:
        root, intermediate, sibling: a root, and two CAs below it.
        uploaded: the CA that DPS has. code: the newest code for it; old_code: the code before.
        elsewhere: asks another provisioning service for a code for the same CA.
    """

    root: CertificateAuthority
    intermediate: CertificateAuthority
    sibling: CertificateAuthority
    uploaded: CertificateAuthority
    code: str
    old_code: str
    elsewhere: Callable[[], str]


@dataclass(frozen=True)
class Attempt:
    """The content of a request that sends a wrong proof.

    Attributes:
        sent: the value of the request's field. what: the same in words.
        proof: the certificate in it, if there is one. around: further certificates for the drawing, which always has
            the root and the intermediate.
        cn_is: an explanation of its CN; "" if the CN explains itself.
    """

    sent: str
    what: str
    proof: x509.Certificate | None = None
    around: tuple[x509.Certificate, ...] = ()
    cn_is: str = ""


@dataclass(frozen=True)
class WrongProof:
    """One exhibit.

    Attributes:
        name: of its function. title, drawing, reason: from its docstring. fix: the way to do it right.
        also: another fault of the proof, which DPS does not report.
        seen: a thread of a public repository where Azure gave this answer; "" if no public thread reports the answer of
            Azure, so that this one is an assumption.
        uploaded: the CA that DPS has. codes: how many codes DPS has generated. stale: whether the request has the first
            ETag.
    """

    name: str
    title: str
    drawing: str
    reason: str
    fix: str
    answer: Answer
    make: Callable[[Stage], Attempt]
    also: Answer | None = None
    seen: str = ""
    uploaded: Literal["root", "intermediate"] = "intermediate"
    codes: int = 1
    stale: bool = False


WRONG_PROOFS: dict[str, WrongProof] = {}


def _wrong(
    answer: Answer, fix: str, **options: Any
) -> Callable[[Callable[[Stage], Attempt]], Callable[[Stage], Attempt]]:
    """Add an exhibit. The options are those fields of `WrongProof` that have a default."""

    def add(make: Callable[[Stage], Attempt]) -> Callable[[Stage], Attempt]:
        title, drawing, reason = inspect.cleandoc(str(make.__doc__)).split("\n\n", 2)
        reason = " ".join(reason.split())
        WRONG_PROOFS[make.__name__] = WrongProof(make.__name__, title, drawing, reason, fix, answer, make, **options)
        return make

    return add


# --- the name ---------------------------------------------------------------------------------------------------------


@_wrong(Answer.NAME, "Put the code into the common name (CN), and nothing else.")
def another_common_name(stage: Stage) -> Attempt:
    """The proof for another purpose

    root -> intermediate (at DPS) -> proof, CN = my-proof

    The right key signed it. But this certificate could have been made at any time and for any purpose, and anyone could
    have found it. Only the code shows that the key signed it now, and for this service.
    """
    return _signed(stage.intermediate, "my-proof")


@_wrong(Answer.NAME, "Copy the code exactly as it is: 48 characters in upper case.")
def lower_case_code(stage: Stage) -> Attempt:
    """The code in lower case

    root -> intermediate (at DPS) -> proof, CN = the code in lower case

    The common name must equal the code in every character. Some tools change the case along the way.
    """
    return _signed(stage.intermediate, stage.code.lower())


@_wrong(Answer.NAME, "Sign the newest code. Each new code voids the one before.", codes=2)
def old_code(stage: Stage) -> Attempt:
    """Yesterday's code

    root -> intermediate (at DPS) -> proof, CN = the code before the newest

    Someone has asked for another code: a colleague, or a script that ran twice. Only the newest code counts.
    """
    return _signed(stage.intermediate, stage.old_code, cn_is="the code before the newest")


@_wrong(Answer.NAME, "Ask for a code at the same service to which you are going to send the proof.")
def another_services_code(stage: Stage) -> Attempt:
    """Another service's code

    root -> intermediate (at DPS) -> proof, CN = the code of another provisioning service

    The CA is registered with two services, and each generated a code. A service accepts only its own code. A code does not
    say which service it comes from. So sign only codes that you asked for yourself: otherwise, you prove your CA to another
    organization's service.
    """
    return _signed(stage.intermediate, stage.elsewhere(), cn_is="the other service's code")


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
    other = CertificateAuthority.create_root(_name(stage.intermediate))
    return _signed(other, stage.code, around=(other.certificate,))


@_wrong(Answer.SIGNER, "Sign with the key of the CA that you uploaded, not with the key of its sibling.")
def sibling_intermediate(stage: Stage) -> Attempt:
    """A sibling below the same root

    root -> intermediate (at DPS); root -> sibling -> proof

    The same root signed both CAs, but each CA has its own key. A signature made with the sibling's key does not show that you
    hold the key of the uploaded CA.
    """
    return _signed(stage.sibling, stage.code, around=(stage.sibling.certificate,))


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
    return _signed(stage.root, stage.code)


@_wrong(Answer.SIGNER, "Sign with the root's key, or upload the intermediate and prove it instead.", uploaded="root")
def intermediate_instead_of_root(stage: Stage) -> Attempt:
    """The intermediate signs for the root

    root (at DPS) -> intermediate -> proof

    The chain leads up to the root, but the root's own key did not sign the code. If DPS accepted this, everyone with an
    intermediate below a root could claim to own the root.
    """
    return _signed(stage.intermediate, stage.code)


@_wrong(Answer.SIGNER, "Sign with the CA's key. A device's key signs handshakes, never certificates.")
def signed_by_a_device(stage: Stage) -> Attempt:
    """A device signs

    root -> intermediate (at DPS) -> device -> proof

    Each signature matches the key above it, up to the CA's key. But a device is not a CA and can't sign for one. Otherwise,
    every device could speak for the CA that issued its certificate.
    """
    device = stage.intermediate.issue_device("pump-1")
    proof = _certificate(stage.code, device.certificate.subject, device.private_key)
    return _attempt(proof, around=(device.certificate,))


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
    return _attempt(_certificate(stage.code, _cn(stage.code), key, own_key=key))


@_wrong(Answer.SIGNER, "Send the verification certificate, not the CA's own.", also=Answer.NAME)
def the_ca_itself(stage: Stage) -> Attempt:
    """The CA's own certificate

    root -> intermediate (at DPS), and the same certificate again as the proof

    The parent's key signed it, not the CA's own key. Besides, this certificate is public and DPS already has it: it shows
    nothing about who holds the key.
    """
    return _attempt(stage.intermediate.certificate)


# --- the dates --------------------------------------------------------------------------------------------------------


@_wrong(Answer.DATES, "Sign the code again. A proof is needed for minutes only, so a short validity period is fine.")
def expired(stage: Stage) -> Attempt:
    """Sent after three days

    root -> intermediate (at DPS) -> proof, valid until an hour ago

    The name and the key are right, but the proof has expired.
    """
    return _signed(stage.intermediate, stage.code, life=(-3 * _DAY, -timedelta(hours=1)))


@_wrong(
    Answer.DATES,
    "Set the clock of the machine that signs. Let a proof's validity begin an hour ago: that allows for small clock errors.",
)
def not_yet_valid(stage: Stage) -> Attempt:
    """Signed on a machine with a wrong clock

    root -> intermediate (at DPS) -> proof, valid from tomorrow

    The clock of the machine that signed is a day ahead. According to every other clock, the proof is not valid yet.
    """
    return _signed(stage.intermediate, stage.code, life=(_DAY, 3 * _DAY))


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
    return Attempt(_base64(f"my code is {stage.code}\n".encode()), "base64 of a text file")


@_wrong(Answer.UNREADABLE, "Have the CA sign the request, and send the resulting certificate.")
def signing_request(stage: Stage) -> Attempt:
    """The request instead of the certificate

    root -> intermediate (at DPS); a signing request, CN = the code

    You give a signing request (CSR) to a CA. This one contains the code, but no CA has signed it yet. So it is not a
    certificate, and DPS can't read it as one.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(_cn(stage.code)).sign(key, signature_hash(key))
    return Attempt(_base64(request.public_bytes(serialization.Encoding.PEM)), "base64 of a signing request (CSR)")


@_wrong(Answer.KEY, "Send certificates only. A key that you have sent somewhere is no longer secret: replace it.")
def private_key(_stage: Stage) -> Attempt:
    """The private key instead of the certificate

    root -> intermediate (at DPS); a private key

    You picked the file next to the right one. This cell made the key for this purpose and deleted it; a real key would no
    longer be secret. These notebooks refuse to send a private key. This cell is the only exception.
    """
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Attempt(_base64(pem), "base64 of a private key, made only for this cell")


@_wrong(Answer.UNREADABLE, "Encode the file once. Azure's SDK does that for you if you pass bytes.")
def double_base64(stage: Stage) -> Attempt:
    """Encoded twice

    root -> intermediate (at DPS) -> proof, CN = the code, in base64 twice

    The certificate is right. But someone encoded it by hand, and then the SDK encoded it again.
    """
    right = _signed(stage.intermediate, stage.code)
    return Attempt(_base64(right.sent.encode()), "base64 of base64 of a certificate", right.proof)


# --- the moment -------------------------------------------------------------------------------------------------------


@_wrong(Answer.NO_CODE, "Ask for a code first.", also=Answer.NAME, codes=0)
def no_code_asked_for(stage: Stage) -> Attempt:
    """A code of your own

    root -> intermediate (at DPS) -> proof, CN = 48 characters that you chose yourself

    A code that you chose yourself proves nothing: you might have signed it years ago.
    """
    return _signed(stage.intermediate, "0123456789ABCDEF" * 3)


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
    return _signed(stage.intermediate, stage.code)


# --- the parts of a proof ---------------------------------------------------------------------------------------------


def _signed(
    authority: CertificateAuthority,
    common_name: str,
    *,
    life: tuple[timedelta, timedelta] = (-timedelta(hours=1), _DAY),
    around: tuple[x509.Certificate, ...] = (),
    cn_is: str = "",
) -> Attempt:
    proof = _certificate(common_name, authority.certificate.subject, authority.private_key, life=life)
    return _attempt(proof, around=around, cn_is=cn_is)


def _attempt(proof: x509.Certificate, *, around: tuple[x509.Certificate, ...] = (), cn_is: str = "") -> Attempt:
    return Attempt(_base64(certificate_pem(proof)), "base64 of a certificate", proof, around, cn_is)


def _certificate(
    common_name: str,
    issuer: x509.Name,
    signer: PrivateKey,
    *,
    own_key: PrivateKey | None = None,
    life: tuple[timedelta, timedelta] = (-timedelta(hours=1), _DAY),
) -> x509.Certificate:
    now = datetime.now(UTC)
    key = own_key or ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder().subject_name(_cn(common_name)).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now + life[0])
    return builder.not_valid_after(now + life[1]).sign(signer, signature_hash(signer))


def _cn(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _name(authority: CertificateAuthority) -> str:
    (name,) = authority.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(name.value)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
