"""Private keys sent by mistake, and the traces that they would leave in storage."""

import base64

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.crafting import key, root
from tests.encodings import key_files

SECRET = key("P-256", 77)
SECRET_NUMBER = SECRET.private_numbers().private_value.to_bytes(32, "big")
SENT_KEYS = {
    **{f"{kind} in base64": base64.b64encode(content).decode() for kind, content in key_files(SECRET).items()},
    **{kind: content.decode() for kind, content in key_files(SECRET).items() if kind.endswith("PEM")},
    "certificate, then key": root().pem + key_files(SECRET)["PKCS#8 PEM"].decode(),
    "key, then certificate": key_files(SECRET)["traditional PEM"].decode() + root().pem,
    "both in base64": base64.b64encode(root().pem.encode() + key_files(SECRET)["PKCS#8 PEM"]).decode(),
    "in base64 twice": base64.b64encode(base64.b64encode(key_files(SECRET)["PKCS#8 DER"])).decode(),
    "OpenSSH": SECRET.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode(),
}


def traces(text: str) -> set[bytes]:
    """The bytes of which a file would hold some if it held a part of the key."""
    found = {SECRET_NUMBER, b"PRIVATE KEY"}
    for content in key_files(SECRET).values():
        found.add(base64.b64encode(content)[-80:-8])
        if content.startswith(b"-----"):
            found.add(content.splitlines()[1])
            found.add(content.splitlines()[-2])
        else:
            found.add(content[-40:])
    compact = "".join(text.split())
    return found | {compact[-80:-40].encode()}
