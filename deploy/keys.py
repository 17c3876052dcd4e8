"""`truthtok keys`: new ones for a real deployment, and their rotation."""

from pathlib import Path

from deploy.keyring import KEY_LISTS, new_key, rotate_keys
from deploy.settings import Settings, SettingsError, described


def print_new_keys() -> None:
    """Print fresh random keys as lines of an environment file."""
    for name in KEY_LISTS:
        print(f"{described(name).variable}={new_key()}")


def rotate(settings: Settings, data_dir: Path) -> None:
    """Put fresh keys first in a data directory and say what follows.

    Raises SettingsError when the environment sets one of them: it would go before those of the directory.
    """
    set_here = [described(name).variable for name in KEY_LISTS if getattr(settings, name)]
    if set_here:
        raise SettingsError(
            f"{', '.join(set_here)} of this environment go before the keys of {data_dir}: "
            "put new ones first there (`truthtok keys new`)"
        )
    rotate_keys(data_dir)
    print(
        f"new keys sign and seal from the next `truthtok up` on {data_dir}; what the former ones made still "
        "works\n`truthtok keys rewrap` then brings every account under the new master key"
    )
