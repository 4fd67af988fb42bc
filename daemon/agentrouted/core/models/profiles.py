"""What is known of endpoints, told to people."""

from agentrouted.core.endpoint import model_string
from agentrouted.core.profiles import Findings, Place, Profiles
from agentrouted.core.times import text_of_time
from agentrouted_protocol.routing import EndpointFinding, EndpointProfile


async def told_profiles(profiles: Profiles, provider: str | None) -> list[EndpointProfile]:
    known = await profiles.all()
    return [_told(place, findings) for place, findings in known.items() if provider in (None, place.provider)]


def _told(place: Place, findings: Findings) -> EndpointProfile:
    return EndpointProfile(
        model=model_string(place.provider, place.base_url, place.model_id),
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
                learned_at=text_of_time(finding.learned_at),
                holds=finding.holds,
            )
            for name, finding in findings.items()
        ],
    )
