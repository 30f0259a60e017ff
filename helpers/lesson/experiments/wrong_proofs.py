"""The wrong proofs of the gallery. Each is one function, and that is the only place where it is described.

The notebook's cell shows what is here, the tests hold the service, OpenSSL and the examiner against it, and the table in
WRONG_PROOFS.md is written from it (`python -m helpers.lesson.experiments`). A docstring's first line is the title, the
drawing below it says who signed what, and the rest is the reason.
"""

import base64
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from helpers.certificates import CertificateAuthority, PrivateKey, certificate_pem, signature_hash

__all__ = ["WRONG_PROOFS", "Answer", "Attempt", "Stage", "WrongProof"]

_DAY = timedelta(days=1)


class Answer(Enum):
    """What DPS says: HTTP status, its code, and the answer in words."""

    ACCEPTED = (200, "", "accepts it")
    SIGNER = (400, "400053", "refuses it: another key has signed it")
    NAME = (400, "400053", "refuses it: its name is not the newest code")
    DATES = (400, "400053", "refuses it: today is not within its dates")
    NO_CODE = (400, "400053", "refuses it: no code is outstanding")
    UNREADABLE = (500, "500019", "can't read it, and answers with an internal error")
    KEY = (400, "400004", "refuses it: it holds a private key")
    ETAG = (412, "412001", "refuses it: the certificate has changed since")

    def __init__(self, status: int, code: str, words: str) -> None:
        self.status = status
        self.code = code
        self.words = words

    def __str__(self) -> str:
        return f"DPS {self.words}"


@dataclass(frozen=True)
class Stage:
    """What is at hand when a proof is to be given.

    Attributes:
        root, intermediate, sibling: two CAs below one root.
        uploaded: the one that DPS has. code: the newest for it; old_code: the one before.
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
    """What is sent.

    Attributes:
        sent: the request's field. what: that in words.
        proof: the certificate in it, if it is one; around: certificates to be drawn besides the two CAs of the stage.
        cn_is: what its CN is, where that can't be seen.
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
        name: of its function. title, drawing, reason: from its docstring. fix: what to do instead.
        also: what is wrong with it besides, which DPS does not come to.
        seen: a thread of a public repository where Azure gave this answer; "" if it is assumed, for nobody outside of
            Microsoft has reported one.
        uploaded: which CA DPS has. codes: how many were asked for. stale: whether the first ETag is used.
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
    answer: Answer,
    fix: str,
    *,
    also: Answer | None = None,
    seen: str = "",
    uploaded: Literal["root", "intermediate"] = "intermediate",
    codes: int = 1,
    stale: bool = False,
) -> Callable[[Callable[[Stage], Attempt]], Callable[[Stage], Attempt]]:
    def keep(make: Callable[[Stage], Attempt]) -> Callable[[Stage], Attempt]:
        title, drawing, reason = inspect.cleandoc(str(make.__doc__)).split("\n\n", 2)
        reason = " ".join(reason.split())
        WRONG_PROOFS[make.__name__] = WrongProof(
            make.__name__, title, drawing, reason, fix, answer, make, also, seen, uploaded, codes, stale
        )
        return make

    return keep


# --- the name ---------------------------------------------------------------------------------------------------------


@_wrong(Answer.NAME, "Put the code into the common name (CN), and nothing else.")
def another_common_name(stage: Stage) -> Attempt:
    """Signed for something else

    root -> intermediate (at DPS) -> proof, CN = my-proof

    The right key has signed it. But this certificate could have been made at any time, for any purpose, and found by
    anybody. Only the code shows that it was signed now, for this question.
    """
    return _signed(stage.intermediate, "my-proof")


@_wrong(Answer.NAME, "Copy the code as it is: upper case, all 48 characters.")
def lower_case_code(stage: Stage) -> Attempt:
    """The code in lower case

    root -> intermediate (at DPS) -> proof, CN = the code in lower case

    The name must equal the code to the letter. Some tools change the case on the way.
    """
    return _signed(stage.intermediate, stage.code.lower())


@_wrong(Answer.NAME, "Sign the newest code. Asking for another one makes the one before void.", codes=2)
def old_code(stage: Stage) -> Attempt:
    """Yesterday's code

    root -> intermediate (at DPS) -> proof, CN = the code before the newest

    Somebody has asked for a code again: a colleague, or a script that was run twice. Only the newest one counts.
    """
    return _signed(stage.intermediate, stage.old_code, cn_is="the code before the newest")


@_wrong(Answer.NAME, "Ask the service for a code to which you are going to send the proof.")
def another_services_code(stage: Stage) -> Attempt:
    """Another service's code

    root -> intermediate (at DPS) -> proof, CN = the code of another provisioning service

    The CA is registered with two services, and each gave a code. A service takes its own alone. But a code does not say
    whose it is: sign only those that you have asked for yourself, or you prove your CA for somebody else.
    """
    return _signed(stage.intermediate, stage.elsewhere(), cn_is="the other service's code")


# --- the signer -------------------------------------------------------------------------------------------------------


@_wrong(
    Answer.SIGNER,
    "Sign with the key that was made together with the uploaded certificate. A CA made anew is another CA.",
)
def namesake(stage: Stage) -> Attempt:
    """Another CA of the same name

    root -> intermediate (at DPS); another CA called the same -> proof

    Names prove nothing: anybody can call a CA so. It happens honestly, too: a script that makes the CA anew at each run
    gives it the same name and another key.
    """
    other = CertificateAuthority.create_root(_name(stage.intermediate))
    return _signed(other, stage.code, around=(other.certificate,))


@_wrong(Answer.SIGNER, "Sign with the key of the CA that was uploaded, not with its neighbour's.")
def sibling_intermediate(stage: Stage) -> Attempt:
    """The sibling below the same root

    root -> intermediate (at DPS); root -> sibling -> proof

    Both were signed by one root, but each has a key of its own. Whoever holds the sibling's key has not shown that they
    hold this one.
    """
    return _signed(stage.sibling, stage.code, around=(stage.sibling.certificate,))


@_wrong(
    Answer.SIGNER, "Sign with the intermediate's key; or upload the root and prove that.", seen="azure-iot-sdk-c#1347"
)
def root_instead_of_intermediate(stage: Stage) -> Attempt:
    """The root signs for its intermediate

    root -> intermediate (at DPS); root -> proof

    The root stands above, but the question was for the intermediate's key. This is what certGen.sh does: it signs every
    proof with the root.
    """
    return _signed(stage.root, stage.code)


@_wrong(Answer.SIGNER, "Sign with the root's key; or upload the intermediate and prove that.", uploaded="root")
def intermediate_instead_of_root(stage: Stage) -> Attempt:
    """The intermediate signs for the root

    root (at DPS) -> intermediate -> proof

    The chain leads up to the root, but the root's own key has not signed the code: whoever was given an intermediate
    would otherwise own the root.
    """
    return _signed(stage.intermediate, stage.code)


@_wrong(Answer.SIGNER, "Sign with the CA's key. A device's key signs handshakes, never certificates.")
def signed_by_a_device(stage: Stage) -> Attempt:
    """A device signs

    root -> intermediate (at DPS) -> device -> proof

    Each signature fits the key above it, up to the CA's. But a device is no CA, and can't sign for one: else every device
    could speak for the CA that let it in.
    """
    device = stage.intermediate.issue_device("pump-1")
    proof = _certificate(stage.code, device.certificate.subject, device.private_key)
    return _attempt(proof, around=(device.certificate,))


@_wrong(Answer.SIGNER, "Give the CA as the issuer (with OpenSSL: -CA and -CAkey), so that its key makes the signature.")
def self_signed(stage: Stage) -> Attempt:
    """The proof signs itself

    root -> intermediate (at DPS); proof -> itself

    Easily made by mistake: `openssl req -x509` signs with the new key. It shows that you hold a key that nobody asked for.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    return _attempt(_certificate(stage.code, _cn(stage.code), key, own_key=key))


@_wrong(Answer.SIGNER, "Send the verification certificate, not the CA's own.", also=Answer.NAME)
def the_ca_itself(stage: Stage) -> Attempt:
    """The CA's own certificate

    root -> intermediate (at DPS), and the same once more as the proof

    Its parent's key has signed it, not its own. And everybody may have it, DPS has it already: it shows nothing about who
    holds the key.
    """
    return _attempt(stage.intermediate.certificate)


# --- the dates --------------------------------------------------------------------------------------------------------


@_wrong(Answer.DATES, "Sign the code anew; a proof is needed for minutes, so a short life is good.")
def expired(stage: Stage) -> Attempt:
    """Found again after three days

    root -> intermediate (at DPS) -> proof, valid until an hour ago

    The right name, the right key; but it is over.
    """
    return _signed(stage.intermediate, stage.code, life=(-3 * _DAY, -timedelta(hours=1)))


@_wrong(
    Answer.DATES, "Set the clock of the machine that signs. Let proofs begin an hour ago: that allows for small errors."
)
def not_yet_valid(stage: Stage) -> Attempt:
    """Signed on a machine with a wrong clock

    root -> intermediate (at DPS) -> proof, valid from tomorrow

    The clock of the machine that signed is a day ahead. To everybody else the proof has not begun to be valid.
    """
    return _signed(stage.intermediate, stage.code, life=(_DAY, 3 * _DAY))


# --- the form ---------------------------------------------------------------------------------------------------------


@_wrong(
    Answer.UNREADABLE,
    "Send the certificate: it begins with -----BEGIN CERTIFICATE-----, or is DER.",
    seen="azure-cli#11131, for an upload and not for a proof",
)
def garbage(stage: Stage) -> Attempt:
    """Something else entirely

    root -> intermediate (at DPS); a text

    The wrong file was picked. DPS says “internal error” and nothing more, which sounds as if it were broken. It is not.
    """
    return Attempt(_base64(f"my code is {stage.code}\n".encode()), "base64 of a text file")


@_wrong(Answer.UNREADABLE, "Have the CA sign the request, and send what comes out.")
def signing_request(stage: Stage) -> Attempt:
    """The request instead of the certificate

    root -> intermediate (at DPS); a signing request, CN = the code

    A signing request (CSR) is what one gives to a CA. It bears the code, but no CA has signed it yet.
    So it is no certificate, and DPS can't read it as one.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(_cn(stage.code)).sign(key, signature_hash(key))
    return Attempt(_base64(request.public_bytes(serialization.Encoding.PEM)), "base64 of a signing request (CSR)")


@_wrong(Answer.KEY, "Send certificates only. A key that was sent somewhere is no secret any more: replace it.")
def private_key(_stage: Stage) -> Attempt:
    """The file beside the right one

    root -> intermediate (at DPS); a private key

    The file beside the right one was picked. This one was made for the purpose and thrown away; with a real one the
    harm would be done. These notebooks refuse to send such a file; here they were told to.
    """
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Attempt(_base64(pem), "base64 of a private key, made for this cell alone")


@_wrong(Answer.UNREADABLE, "Encode the file once. Azure's SDK does it for you if you give it bytes.")
def double_base64(stage: Stage) -> Attempt:
    """Encoded twice

    root -> intermediate (at DPS) -> proof, CN = the code, in base64 twice

    Nothing is wrong with the certificate. But it was encoded by hand, and then by the SDK once more.
    """
    right = _signed(stage.intermediate, stage.code)
    return Attempt(_base64(right.sent.encode()), "base64 of base64 of a certificate", right.proof)


# --- the moment -------------------------------------------------------------------------------------------------------


@_wrong(Answer.NO_CODE, "Ask for a code first.", also=Answer.NAME, codes=0)
def no_code_asked_for(stage: Stage) -> Attempt:
    """A code of one's own

    root -> intermediate (at DPS) -> proof, CN = 48 characters of one's own choice

    A name that you have chosen yourself shows nothing: you might have signed it years ago.
    """
    return _signed(stage.intermediate, "0123456789ABCDEF" * 3)


@_wrong(
    Answer.ETAG,
    "Use the ETag that came with the code; or read the certificate again.",
    seen="azure-cli#13098",
    stale=True,
)
def stale_etag(stage: Stage) -> Attempt:
    """A good proof with the first ETag

    root -> intermediate (at DPS) -> proof, CN = the code; If-Match names the upload's ETag

    The proof is right. But asking for the code has changed the certificate's record, and the request names the version
    before that.
    """
    return _signed(stage.intermediate, stage.code)


# --- their parts ------------------------------------------------------------------------------------------------------


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
