"""Requests: their content, their routes, their outcomes, and their lines in the log."""
