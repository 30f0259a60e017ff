"""The scenes of the attack: one for each act, and one before the first."""

from helpers.lesson.figures import Scene

__all__ = ["SCENES"]

SCENES = {
    "home": Scene(
        "The pump registers with Contoso",
        "contoso",
        "verified",
        "none",
        "Contoso has verified its CA, and its pump registers with Contoso's service.",
        "accepted",
        act=0,
        sender="contoso",
        sends="the CA's certificate, and a proof signed with its key",
    ),
    "proof": Scene(
        "Mallory sends a proof",
        "contoso",
        "verified",
        "uploaded",
        "The certificate is public, so Mallory could upload it. His proof fails: he doesn't have the private key.",
        "accepted",
        act=1,
        sender="mallory",
        sends="Contoso's certificate, and a proof signed with another key",
    ),
    "attested": Scene(
        "Mallory gives his word",
        "contoso",
        "verified",
        "attested",
        "His service now says “verified”, although it has seen no valid proof.",
        "note",
        act=2,
        sender="mallory",
        sends="Contoso's certificate, marked as verified",
    ),
    "lured": Scene(
        "Another ID scope",
        "mallory",
        "verified",
        "attested",
        "The pump is genuine, and so is its certificate. But it reports to Mallory now.",
        "error",
        act=3,
        sender="pump",
        sends="its genuine certificate, with Mallory's ID scope",
    ),
    "forged": Scene(
        "Mallory makes pumps of his own",
        "mallory",
        "verified",
        "attested",
        "Both services reject his pump: another CA signed its certificate, and the same name does not help.",
        "rejected",
        act=4,
        sender="mallory",
        sends="the certificate of a pump that he made, to both services",
    ),
    "unnoticed": Scene(
        "Does Contoso notice?",
        "mallory",
        "verified",
        "attested",
        "Contoso's service shows the same as before. Only the pump's data is missing.",
        "error",
        act=5,
        sender="contoso",
        sends="requests for its CAs, its groups and its devices' records",
    ),
}
