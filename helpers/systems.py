"""What an error tells a person to run, in the words of the system that the person uses."""

import sys

__all__ = ["door", "set_clock"]


def door(name: str) -> str:
    """Return the command that opens one of the project's doors, such as `lab`. Windows comes without make."""
    return rf".\start.ps1 {name}" if sys.platform == "win32" else f"make {name}"


def set_clock() -> str:
    """Return the command that sets the clock from the network."""
    commands = {"win32": "w32tm /resync", "darwin": "sudo sntp -sS time.apple.com"}
    return commands.get(sys.platform, "timedatectl set-ntp true")
