"""What all tests of the wire share."""

from collections.abc import AsyncIterator

import pytest

from agentrouted.core.wire.http import HttpClient


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    client = HttpClient()
    yield client
    await client.aclose()
