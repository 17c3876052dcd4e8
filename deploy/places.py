"""Where the files lie that are no Python: beside the packages in a checkout, inside one in a wheel."""

from pathlib import Path

ROOT = Path(__file__).parents[1]


def nats_directory() -> Path:
    """Return the directory of the rendered NATS configuration."""
    beside = ROOT / "nats"
    return beside if (beside / "permissions.conf").exists() else Path(__file__).parent / "data" / "nats"


def demo_clip() -> Path:
    """Return the clip that `truthtok demo` uploads when it is given none."""
    return Path(__file__).with_name("demo.mp4")
