files = {
    "ca/root.cer": "public",
    "ca/root.key.pem": "secret",
    "ca/intermediate.cer": "public",
    "ca/intermediate.key.pem": "secret",
    "proof/verification.pem": "public",
    "devices/pump-1.pem": "public",
    "devices/pump-1.key": "secret",
}

walkthrough.try_exercise("11_clean_up", files)
