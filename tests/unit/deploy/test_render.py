"""What is rendered from declarations. That a server enforces it is shown in tests/integration."""

import json
from pathlib import Path

import pytest

from deploy.render import ActorDeclaration, render, stale
from deploy.render.nats_files import nats_users
from deploy.render.permissions import key_variable, users
from subjects import stage, upload, video
from subjects.matching import covers
from subjects.registry import SUBJECTS
from subjects.streams import STREAMS

UPLOADER = ActorDeclaration(
    name="uploader", consumes=(upload.COMPLETED,), produces=(video.UPLOADED, video.REJECTED), max_deliver=7
)
FINISHER = ActorDeclaration(
    name="finisher",
    consumes=(video.PROBED, stage.SKIPPED.at("prober")),
    produces=(video.READY, stage.SKIPPED),
    joins=True,
)
ACTORS = (UPLOADER, FINISHER)


@pytest.fixture
def files() -> dict[str, str]:
    return render(ACTORS)


def publishes(name: str) -> tuple[str, ...]:
    [user] = [one for one in users(ACTORS) if one.name == name]
    return user.publish


def may(name: str, subject: str) -> bool:
    return any(covers(pattern, subject) for pattern in publishes(name))


def test_every_stream_and_durable_has_a_file_as_the_server_takes_it(files: dict[str, str]) -> None:
    streams = {stream.name: f"nats/streams/{stream.name}.json" for stream in STREAMS}
    assert {json.loads(files[path])["name"] for path in streams.values()} == set(streams)
    consumer = json.loads(files["nats/consumers/EVENTS.uploader-normal.json"])
    assert (consumer["durable_name"], consumer["max_deliver"]) == ("uploader-normal", 7)
    assert consumer["filter_subjects"] == ["upload.completed.normal.*"]
    assert "nats/consumers/ADVISORIES.undertaker.json" in files


def test_rendering_is_the_same_every_time(files: dict[str, str]) -> None:
    assert render(ACTORS) == files
    assert all(text.endswith("\n") for text in files.values())


def test_an_actor_says_only_its_own_stage_of_a_subject_that_ends_in_one() -> None:
    assert may("finisher", "stage.skipped.normal.1.finisher")
    assert not may("finisher", "stage.skipped.normal.1.prober")
    assert not may("uploader", "stage.skipped.normal.1.uploader")
    assert not may("uploader", "video.ready.normal.1")


def test_no_user_but_the_admin_has_a_wildcard_on_the_api() -> None:
    for user in users(ACTORS):
        wide = [one for one in user.publish if one.startswith("$JS.API") and ("*" in one or ">" in one)]
        assert bool(wide) == (user.name == "admin"), user.name


def test_only_a_joining_actor_reads_back() -> None:
    assert may("finisher", "$JS.API.DIRECT.GET.EVENTS")
    assert not may("uploader", "$JS.API.DIRECT.GET.EVENTS")


def test_everybody_hears_only_their_own_inbox() -> None:
    assert {user.name: user.subscribe for user in users(ACTORS)} == {
        name: (f"_INBOX_{name}.>",) for name in nats_users(("uploader", "finisher"))
    }


def test_users_without_given_actors_are_those_of_the_house() -> None:
    assert {"gateway", "media", "undertaker", "admin", "uploader", "prober"} <= set(nats_users())


def test_every_user_has_its_key_from_the_environment(files: dict[str, str]) -> None:
    for name in nats_users(("uploader", "finisher")):
        assert files["nats/permissions.conf"].count(f"nkey: ${key_variable(name)}\n") == 1


def test_the_document_describes_every_subject_and_who_says_and_hears_it(files: dict[str, str]) -> None:
    document = json.loads(files["docs/asyncapi.json"])
    assert set(document["channels"]) == {subject.name for subject in SUBJECTS}
    assert document["channels"]["stage.skipped"]["address"] == "stage.skipped.{class}.{video_id}.{stage}"
    assert document["operations"]["uploader.hears.upload.completed"]["action"] == "receive"
    assert document["operations"]["finisher.says.video.ready"]["action"] == "send"


def test_every_reference_in_the_document_leads_somewhere(files: dict[str, str]) -> None:
    document = json.loads(files["docs/asyncapi.json"])
    references = list(_references(document))
    assert references
    for reference in references:
        found = document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]


def test_what_is_missing_differs_or_is_rendered_no_more_is_stale(
    files: dict[str, str], tmp_path: Path
) -> None:
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert stale(files, tmp_path) == []
    (tmp_path / "docs/asyncapi.json").unlink()
    (tmp_path / "nats/server.conf").write_text("edited")
    (tmp_path / "nats/consumers/EVENTS.gone-normal.json").write_text("{}")
    assert stale(files, tmp_path) == [
        "docs/asyncapi.json",
        "nats/consumers/EVENTS.gone-normal.json",
        "nats/server.conf",
    ]


def _references(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in _references(value)]
    return [found for value in node for found in _references(value)] if isinstance(node, list) else []
