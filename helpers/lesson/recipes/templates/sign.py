from helpers.workspace import Workspace

# If the key is encrypted, set CA_PASSPHRASE in the environment to its passphrase.
ca = Workspace('$WORKSPACE').authority("$ROLE")
proof = ca.sign_verification_code("$CODE")
