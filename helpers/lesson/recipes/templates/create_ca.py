from datetime import timedelta

from helpers.certificates import CertificateAuthority, KeyAlgorithm

made = {"key_algorithm": KeyAlgorithm("$KEY_ALGORITHM"), "lifetime": timedelta(days="$LIFETIME_DAYS")}
root = CertificateAuthority.create_root('$ROOT_NAME', **made)
intermediate = root.create_intermediate('$INTERMEDIATE_NAME', **made)
print(root, intermediate)
