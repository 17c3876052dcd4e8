"""The rules of the house that no linter knows."""

import ast
import inspect
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.core.actor import listens
from deploy.composition import ACTORS
from subjects.registry import SUBJECTS
from subjects.stage import JOURNEY

ROOT = Path(__file__).parents[2]
FLOORS = ("subjects", "storage", "actors", "gateway", "deploy")
TOP_LEVEL = {
    *("actors", "gateway", "subjects", "storage", "migrations", "deploy", "nats", "tests", "docs", "bench"),
    *("pyproject.toml", "README.md", "uv.lock", "Makefile", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE"),
}
LONGEST_MODULE = 300
LONGEST_FUNCTION = 40
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "base", "service", "misc"}
NATS_MODULES = {"js", "aio", "micro", "protocol", "server", "client", "jetstream", "core"}


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).exists()]


def modules() -> list[Path]:
    return [path for path in tracked("*.py") if path.relative_to(ROOT).parts[0] in FLOORS]


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def test_the_top_level_is_the_plan() -> None:
    seen = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert {name for name in seen if not name.startswith(".")} <= TOP_LEVEL


def test_no_module_is_longer_than_the_ceiling() -> None:
    long = {
        str(path): count
        for path in modules()
        if (count := len(path.read_text().splitlines())) > LONGEST_MODULE
    }
    assert long == {}


def test_no_function_is_longer_than_the_ceiling() -> None:
    long = [
        (str(path.relative_to(ROOT)), name, lines)
        for path in modules()
        for name, lines in functions(path)
        if lines > LONGEST_FUNCTION and name != "parser"  # a parser is a table
    ]
    assert long == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [path for path in modules() if path.stem in FORBIDDEN_NAMES] == []


def test_the_folder_nats_holds_nothing_that_python_could_import() -> None:
    inside = [path.relative_to(ROOT / "nats") for path in tracked("nats")]
    assert [path for path in inside if path.suffix == ".py"] == []
    assert [path for path in inside if NATS_MODULES & {*path.parts[:-1]}] == []


@pytest.mark.parametrize(("package", "allowed"), [
    ("nats", {"subjects/jetstream.py"}),
    ("robyn", {"gateway/robyn_server.py"}),
])  # fmt: skip
def test_one_module_alone_imports_a_library(package: str, allowed: set[str]) -> None:
    importers = {
        str(path.relative_to(ROOT))
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Import) and any(one.name.split(".")[0] == package for one in node.names))
        or (
            isinstance(node, ast.ImportFrom)
            and node.level == 0
            and (node.module or "").split(".")[0] == package
        )
    }
    assert importers <= allowed


def test_the_environment_is_read_in_one_module() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    }
    assert readers <= {
        "deploy/settings.py",
        "actors/engines/sandbox/child.py",
        "actors/engines/sandbox/forkserver.py",
    }


def test_every_stage_of_the_journey_has_an_actor_that_says_it_is_done() -> None:
    by_name = {kind.name: kind for kind in ACTORS}
    for stage in JOURNEY:
        assert {stage.name, *stage.hands} <= {*by_name}
        said = [by_name[name].produces for name in (stage.name, *stage.hands)]
        assert any(stage.done in produces for produces in said)


def test_every_subject_an_actor_names_is_registered() -> None:
    named = {subject.name for kind in ACTORS for subject in (*listens(kind), *kind.produces)}
    assert named <= {subject.name for subject in SUBJECTS}


@pytest.mark.parametrize("kind", ACTORS, ids=lambda kind: kind.name)
def test_an_actor_says_on_its_first_line_what_goes_in_and_out(kind: type) -> None:
    module = inspect.getmodule(kind)
    assert module is not None
    assert module.__doc__ is not None
    first, *rest = module.__doc__.strip().splitlines()
    assert f"-> {kind.name}" in first
    assert any(line.startswith("Idempotent:") for line in rest)


@pytest.mark.parametrize("kind", ACTORS, ids=lambda kind: kind.name)
def test_an_actor_reads_in_one_breath(kind: type) -> None:
    assert len(inspect.getsource(inspect.getmodule(kind)).splitlines()) <= 160


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/production.md"]
)
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    path = ROOT / page
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", path.read_text())
    assert [target for target in targets if not (path.parent / target).exists()] == []
