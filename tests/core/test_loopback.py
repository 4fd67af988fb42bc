"""Which hosts are this machine."""

import pytest

from agentrouted.core.loopback import is_loopback

THIS_MACHINE = {
    "localhost": True,
    "models.localhost": True,
    "127.0.0.1": True,
    "127.255.0.9": True,
    "0.0.0.0": True,
    "::1": True,
    "::": True,
    "::ffff:127.0.0.1": True,
    "::ffff:7f00:1": True,
    "": False,
    "localhost.example": False,
    "notlocalhost": False,
    "127.0.0.1.example": False,
    "128.0.0.1": False,
    "192.168.1.1": False,
    "::ffff:192.168.1.1": False,
    "::2": False,
    "fe80::1": False,
}


@pytest.mark.parametrize(("host", "expected"), THIS_MACHINE.items())
def test_this_machine_is_told_from_others_by_name_and_number(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
