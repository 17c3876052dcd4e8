"""Everything that is rendered from declarations: `make render` writes it, `make check` finds it stale."""

from deploy.composition import ACTORS
from deploy.places import ROOT
from deploy.render import ActorDeclaration, render, stale
from deploy.settings import describe
from gateway.openapi import render_openapi


def environment_example() -> str:
    """Return `.env.example`: every setting, commented out, with its meaning."""
    lines = ["# Rendered by `make render` from deploy/declared_settings.py. Every setting of every process."]
    for one in describe():
        unit = f" ({one.unit})" if one.unit else ""
        lines += ["", f"# {one.meaning}{unit}", f"#{one.variable}={one.default}"]
    return "\n".join([*lines, ""])


def rendered() -> dict[str, str]:
    """Return every rendered file by its path in the repository."""
    declarations = [ActorDeclaration.of(kind) for kind in ACTORS]
    return {
        **render(declarations),
        "docs/openapi.json": render_openapi(),
        ".env.example": environment_example(),
    }


def render_all(*, check: bool) -> int:
    """Write the rendered files, or with `check` only name those that are stale."""
    files = rendered()
    behind = stale(files, ROOT)
    for path in behind:
        if check:
            print(f"stale: {path} (run `make render`)")
        elif path in files:
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / path).write_text(files[path])
            print(f"wrote {path}")
        else:
            (ROOT / path).unlink()
            print(f"removed {path}")
    return 1 if check and behind else 0
