"""A plain file of keys."""

from harness.imports import imported, told, world_of

KEYS = """\
# keys of mine
api_key=sk-or-v1-1
export GROQ_API_KEY="gsk-1"
acme_api_key=a1
acme_base_url=https://acme.example/v1
llm.example.com=h1
lost_api_key=x
"""


def test_each_key_is_that_of_its_provider() -> None:
    world = world_of(KEYS)
    resolved = [world.resolve(model).endpoints[0] for model in ("some/model", "groq/llama", "acme/m")]
    keys = [each.endpoint.api_key for each in resolved]
    assert [key and key.get_secret_value() for key in keys] == ["sk-or-v1-1", "gsk-1", "a1"]
    assert resolved[2].endpoint.base_url == "https://acme.example/v1"


def test_a_key_for_a_host_is_sent_there() -> None:
    key = world_of(KEYS).resolve("https://llm.example.com/v1/m").endpoints[0].endpoint.api_key
    assert key
    assert key.get_secret_value() == "h1"


def test_keys_that_are_written_out_are_told_and_never_shown() -> None:
    reading = imported(KEYS)
    assert {line for line, _ in told(reading, "approximate")} == {2, 3, 4, 6, 7}
    assert told(reading, "unsupported") == [(7, "lost_api_key")]
    assert "sk-or-v1-1" not in str([finding for finding, _ in reading.findings])
