def suspects(registered, own_thumbprints):
    own = {each.upper() for each in own_thumbprints}
    return [
        each.name
        for each in registered
        if each.verified and each.thumbprint.upper() not in own
    ]


walkthrough.try_exercise("09_the_attack", suspects)
