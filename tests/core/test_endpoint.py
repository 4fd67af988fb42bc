"""How endpoints are named to people."""

import pytest

from agentrouted.core.endpoint import model_string


@pytest.mark.parametrize(
    ("provider", "base_url", "expected"),
    [
        ("ollama", "http://localhost:11434/v1", "ollama/m"),
        ("local", "http://localhost/v1", "local/m"),
        ("gpu-box", "http://gpu-box:8000/v1", "http://gpu-box:8000/v1/m"),
    ],
)
def test_a_model_is_asked_for_by_its_provider_or_else_by_its_url(provider: str, base_url: str, expected: str) -> None:
    assert model_string(provider, base_url, "m") == expected
