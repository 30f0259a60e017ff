"""The version of the local DPS and of the project that it is part of. Both pyproject.toml files read it here."""

__all__ = ["__version__"]

__version__ = "0.1.0"
