"""What is known of endpoints, told to people."""

from datetime import UTC, datetime

from agentrouted.core.profiles import Findings, Place, Profiles
from agentrouted_protocol.routing import EndpointFinding, EndpointProfile


async def told_profiles(profiles: Profiles, provider: str | None) -> list[EndpointProfile]:
    known = await profiles.all()
    return [_told(place, findings) for place, findings in known.items() if provider in (None, place.provider)]


def _told(place: Place, findings: Findings) -> EndpointProfile:
    return EndpointProfile(
        provider=place.provider,
        model_id=place.model_id,
        base_url=place.base_url,
        wire=place.wire,
        findings=[
            EndpointFinding(
                name=name,
                value=finding.value,
                evidence=finding.evidence,
                source=finding.source,
                learned_at=datetime.fromtimestamp(finding.learned_at, UTC).isoformat(timespec="seconds"),
                holds=finding.holds,
            )
            for name, finding in findings.items()
        ],
    )
