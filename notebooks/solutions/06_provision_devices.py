def chain_to_send(device, authorities):
    chain = [device]
    while True:
        above = next((each for each in authorities if signed_by(chain[-1], each)), None)
        if above is None or above.issuer == above.subject:
            return chain
        chain.append(above)


def signed_by(certificate, issuer):
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:
        return False
    return True


walkthrough.try_exercise("06_provision_devices", chain_to_send)
