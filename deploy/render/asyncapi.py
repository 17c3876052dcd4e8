"""`docs/asyncapi.json`: every subject, what it carries, and which actor says or hears it (AsyncAPI 3.0)."""

import json
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from deploy.render.declaration import ActorDeclaration
from subjects.message import Message, Priority, Subject
from subjects.registry import SUBJECTS

_SCHEMAS: Final = "#/components/schemas/{name}"


def asyncapi(actors: Sequence[ActorDeclaration]) -> str:
    """Return the document as JSON text."""
    payloads, schemas = msgspec.json.schema_components(
        [subject.message for subject in SUBJECTS], ref_template=_SCHEMAS
    )
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "TruthTok",
            "version": "1.0.0",
            "description": "What is said on NATS JetStream. Additive: fields are added, never changed.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "channels": {subject.name: _channel(subject) for subject in SUBJECTS},
        "operations": {name: operation for actor in actors for name, operation in _operations(actor)},
        "components": {
            "messages": {
                subject.message.__name__: _message(subject, payload)
                for subject, payload in zip(SUBJECTS, payloads, strict=True)
            },
            "schemas": schemas,
        },
    }
    return json.dumps(document, indent=2) + "\n"


def _channel(subject: Subject[Message]) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "class": {"description": "How urgent the video's work is.", "enum": [*Priority]},
        "video_id": {"description": "UUID of the video the message is about."},
    }
    if subject.facet:
        parameters[subject.facet] = {"description": f"The {subject.facet} the message is about."}
    return {
        "address": ".".join([subject.name, *(f"{{{name}}}" for name in parameters)]),
        "description": f"{subject.summary} Kept in the stream {subject.stream}.",
        "parameters": parameters,
        "messages": {subject.message.__name__: {"$ref": _message_ref(subject)}},
    }


def _operations(actor: ActorDeclaration) -> list[tuple[str, dict[str, Any]]]:
    heard = [(f"{actor.name}.hears.{one.name}", "receive", one) for one in actor.consumes]
    said = [(f"{actor.name}.says.{one.name}", "send", one) for one in actor.produces]
    return [(name, _operation(actor, action, subject)) for name, action, subject in (*heard, *said)]


def _operation(actor: ActorDeclaration, action: str, subject: Subject[Message]) -> dict[str, Any]:
    channel = f"#/channels/{subject.name}"
    return {
        "action": action,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{subject.message.__name__}"}],
        "tags": [{"name": actor.name}],
    }


def _message(subject: Subject[Message], payload: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": subject.message.__name__,
        "title": subject.name,
        "summary": subject.summary,
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "required": ["Nats-Msg-Id", "Truthtok-Subject", "Truthtok-Version"],
            "properties": {
                "Nats-Msg-Id": {"type": "string"},
                "Truthtok-Subject": {"const": subject.name},
                "Truthtok-Version": {"const": str(subject.version)},
                "traceparent": {"type": "string"},
            },
        },
        "payload": payload,
    }


def _message_ref(subject: Subject[Message]) -> str:
    return f"#/components/messages/{subject.message.__name__}"
