"""Certificates: reading, describing and judging them. Nothing here knows of a request."""
