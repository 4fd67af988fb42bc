"""Whether a host is this machine."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address


@lru_cache(512)
def is_loopback(host: str) -> bool:
    """True if what is sent there does not leave this machine. Names are not looked up; RFC 6761 keeps `localhost`."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    # 0.0.0.0 is what servers print when they listen everywhere; a client that connects to it stays here.
    return address.is_loopback or address.is_unspecified
