def verify(certificates, stale, proof):
    return certificates.verify(certificates.get(stale.name), proof)


lesson.try_exercise(kept, "04_verify_ca", verify)
