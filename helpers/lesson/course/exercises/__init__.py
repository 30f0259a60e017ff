"""The exercises: what each asks, how an answer is tried, its hints and its solution."""
