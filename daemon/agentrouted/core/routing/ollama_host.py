"""`OLLAMA_HOST`, read as Ollama itself reads it."""

_DEFAULT_PORT = "11434"
# What a server listens on is no place to connect to: everywhere means here.
_EVERYWHERE = {"", "0.0.0.0", "::"}


def ollama_url(value: str) -> str:
    """The URL that a client connects to, for `host`, `host:port`, `:port`, an IPv6 address or a whole URL.

    As in Ollama, the port is 11434 unless a scheme is given: then it is the scheme's own.
    """
    scheme, has_scheme, rest = value.partition("://")
    if not has_scheme:
        scheme, rest = "http", value
    authority, slash, path = rest.partition("/")
    host, port = _host_and_port(authority)
    if host in _EVERYWHERE and (authority or not has_scheme):
        host = "localhost"
    if not (port or has_scheme):
        port = _DEFAULT_PORT
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}{':' if port else ''}{port}{slash}{path}"


def _host_and_port(authority: str) -> tuple[str, str]:
    if authority.startswith("["):
        host, _, port = authority[1:].partition("]")
        return host, port.removeprefix(":")
    if authority.count(":") > 1:
        return authority, ""
    host, _, port = authority.partition(":")
    return host, port
