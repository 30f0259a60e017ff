from helpers.workspace import Workspace

# An encrypted key is opened by CA_PASSPHRASE in the environment.
ca = Workspace('$WORKSPACE').authority("$ROLE")
proof = ca.sign_verification_code("$CODE")
