"""Docstrings of Google, NumPy and reST style, read."""


def read_docstring(docstring: str) -> tuple[str, dict[str, str]]:
    """What it says, without the sections on parameters, results and errors; and the words on each parameter."""
    if not docstring.strip():
        return "", {}
    # Only programs that have tools need it.
    import docstring_parser

    parsed = docstring_parser.parse(docstring)
    paragraphs = [part.strip() for part in (parsed.short_description, parsed.long_description) if part]
    parameters = {each.arg_name: (each.description or "").strip() for each in parsed.params}
    return "\n\n".join(paragraphs), parameters
