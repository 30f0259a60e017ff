"""Read private keys from files of any tool, and write them so that they stay private."""

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from helpers.certificates.keys import PrivateKey
from helpers.files import PRIVATE, write_atomically
from helpers.problem import Problem

__all__ = ["is_encrypted", "read_private_key", "save_private_key"]


def is_encrypted(content: bytes) -> bool:
    """Return whether the content is an encrypted private key."""
    try:
        _load(content, None)
    except TypeError:  # cryptography raises this if a passphrase is missing
        return True
    except (ValueError, UnsupportedAlgorithm):
        pass  # it is not a private key
    return False


def read_private_key(content: bytes, passphrase: str | None, source: str) -> PrivateKey:
    """Read a private key: PEM or DER, PKCS#8, PKCS#1 or SEC1, encrypted or not.

    Args:
        passphrase: required if, and only if, the key is encrypted.
        source: the file's name, for the error.

    Raises:
        Problem: the content is not a private key, or DPS does not accept keys of its kind; or the passphrase is wrong,
            missing, or given for a key that is not encrypted.
    """
    try:
        key = _load(content, passphrase)
    except TypeError as error:  # cryptography raises this if a passphrase is missing or not needed
        if passphrase:
            raise Problem(
                f"{source} was not opened.",
                "You gave a passphrase, but this key is not encrypted.",
                "Leave the passphrase empty, or check that this is the file you meant.",
            ) from error
        raise Problem(
            f"{source} could not be opened.",
            "The key is encrypted and no passphrase was given.",
            "Enter its passphrase and try again.",
        ) from error
    except UnsupportedAlgorithm as error:
        raise _unusable_key(source, "a key of an unknown algorithm") from error
    except ValueError as error:
        if passphrase:
            raise Problem(
                f"{source} could not be opened.",
                "The passphrase is wrong, or the file is not a private key.",
                "Type the passphrase again; if you are sure of it, check the file.",
            ) from error
        raise Problem(
            f"{source} is not a private key.",
            "It is neither PEM nor DER of PKCS#8, PKCS#1 or SEC1.",
            "Choose the file with the CA's private key.",
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise _unusable_key(source, type(key).__name__)
    return key


def save_private_key(key: PrivateKey, path: Path, *, passphrase: str | None = None, flush: bool = True) -> Path:
    """Write a private key as PKCS#8 PEM with mode 0600, encrypted if there is a passphrase.

    Args:
        flush: as for `write_atomically`.
    """
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase.encode())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    write_atomically(path, pem, mode=PRIVATE, flush=flush)
    return path


def _load(content: bytes, passphrase: str | None) -> PrivateKeyTypes:
    load = serialization.load_pem_private_key if b"-----BEGIN " in content else serialization.load_der_private_key
    return load(content, passphrase.encode() if passphrase else None)


def _unusable_key(source: str, kind: str) -> Problem:
    return Problem(
        f"{source} holds a kind of key that can't be used here.",
        f"It is {kind}, but DPS accepts only RSA and elliptic-curve keys (ECDSA).",
        "Use a CA with an RSA or an elliptic-curve key.",
    )
