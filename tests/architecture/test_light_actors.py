import subprocess
import sys

HEAVY = ("av", "numpy", "openai", "robyn", "granian")


def test_no_actor_process_loads_what_only_its_children_or_the_gateways_need() -> None:
    """An actor is light: the media libraries are loaded in the sandbox's children alone."""
    loads = f"import sys, deploy.composition; print([name for name in {HEAVY} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", loads], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
