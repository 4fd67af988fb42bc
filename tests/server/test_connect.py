"""What `connect` says where no daemon comes up."""

from pathlib import Path

from harness.command import agentrouted


async def test_connect_passes_on_why_the_daemon_would_not_start(tmp_path: Path) -> None:
    too_long = tmp_path / ("x" * 120) / "v1.sock"
    outcome = await agentrouted(tmp_path, "connect", "--listen", str(too_long))
    assert outcome.code == 1
    assert "too long for a Unix socket" in outcome.err
