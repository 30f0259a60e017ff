"""You are DPS: the learner's own verifier beside the service, and what a disagreement says about it."""
