"""What `agentrouted doctor` says of servers and models."""

from typing import Final

from agentrouted.cli.check import Check
from agentrouted_protocol.routing import (
    EndpointFinding,
    EndpointProfile,
    LocalServer,
    ModelEntry,
    ModelListResult,
    ModelState,
)

_WORDS: Final[dict[ModelState, str]] = {
    "ready": "ready",
    "notPulled": "its server does not have it",
    "serverDown": "its server does not answer",
    "noKey": "there is no key for it",
    "loading": "it is being loaded",
    "outOfMemory": "there was not enough memory for it",
    "contextTooSmall": "a conversation was longer than the window it is loaded with",
    "wrongServer": "another kind of server answers where it is looked for",
    "unknown": "it cannot be told",
}


def model_checks(listed: ModelListResult) -> list[Check]:
    # What could be pulled, and what is down and not asked for by name, is no news.
    unwell = [entry for entry in listed.models if entry.state != "ready" and entry.provider != "local"]
    return [
        *(_server(server) for server in listed.servers),
        *(_model(entry) for entry in unwell),
        *(_profile(profile) for profile in listed.profiles),
    ]


def _server(server: LocalServer) -> Check:
    address = server.base_url or "no address"
    match server.state:
        case "ready":
            return Check(name=server.kind, state="ok", finding=f"answers at {address}: {_loaded(server)}")
        case "serverDown":
            finding = f"nothing answers at {address}"
        case "loading":
            finding = f"answers at {address}, and still loads its model"
        case "wrongServer":
            finding = f"{server.software or 'something that is no model server'} answers at {address}"
        case _:
            finding = f"cannot be asked at {address}"
    return Check(name=server.kind, state="note", finding=finding, mend=server.mend)


def _loaded(server: LocalServer) -> str:
    models = f"{server.models} model{'' if server.models == 1 else 's'}"
    named = [
        f"{model.id} ({model.context_window} tokens)" if model.context_window else model.id for model in server.loaded
    ]
    return f"{models}, loaded: {', '.join(named)}" if named else models


def _model(entry: ModelEntry) -> Check:
    return Check(name=entry.model, state="note", finding=_WORDS[entry.state], mend=entry.mend)


def _profile(profile: EndpointProfile) -> Check:
    findings = "; ".join(_finding(each) for each in profile.findings)
    return Check(
        name=f"profile of {profile.model}",
        state="ok",
        finding=f"in {profile.wire}: {findings}",
        mend=None if all(each.holds for each in profile.findings) else f"agentrouted models probe {profile.model}",
    )


def _finding(finding: EndpointFinding) -> str:
    value = ("no", "yes")[finding.value] if isinstance(finding.value, bool) else finding.value
    age = "" if finding.holds else ", too old to go by"
    return f"{finding.name} {value} ({finding.evidence}; {finding.source} of {finding.learned_at[:10]}{age})"
