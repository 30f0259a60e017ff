def verify(certificates, stale, proof):
    return certificates.verify(certificates.get(stale.name), proof)


walkthrough.try_exercise("04_verify_ca", verify)
