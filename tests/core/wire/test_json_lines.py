"""JSON documents, one a line: bytes may be cut anywhere."""

from collections.abc import Sequence

import pytest

from agentrouted.core.errors import ResponseInvalid, ResponseTruncated
from agentrouted.core.wire.json_lines import JsonLines


async def lines_of(*reads: bytes) -> Sequence[Sequence[bytes]]:
    rest = iter(reads)

    async def read() -> bytes:
        return next(rest, b"")

    lines, found = JsonLines(read, "acme"), []
    while batch := await lines.next():
        found.append(batch)
    return found


@pytest.mark.parametrize(
    ("reads", "batches"),
    [
        ([b'{"a":1}\n{"b":2}\n'], [[b'{"a":1}', b'{"b":2}']]),
        ([b'{"a"', b":1}", b'\n{"b":2}\n{"c', b'":3}'], [[b'{"a":1}', b'{"b":2}'], [b'{"c":3}']]),
        ([b'{"a":1}\r', b"\n\r\n"], [[b'{"a":1}']]),
        ([b'{"a":1}'], [[b'{"a":1}']]),
        ([b"\xef\xbb", b'\xbf{"a":1}\n'], [[b'{"a":1}']]),
        ([b'{\n"a"', b":1\n}\n"], [[b'{\n"a":1\n}']]),
        ([b"", b"late"], []),
    ],
)
async def test_lines_are_given_as_they_are_whole(reads: list[bytes], batches: list[list[bytes]]) -> None:
    assert await lines_of(*reads) == batches


@pytest.mark.parametrize("reads", [[b'{"a":1}\n{"b'], [b'{"a'], [b'{\n"a":\n']])
async def test_half_a_document_is_none(reads: list[bytes]) -> None:
    with pytest.raises(ResponseTruncated):
        await lines_of(*reads)


async def test_a_web_page_is_told_as_one() -> None:
    with pytest.raises(ResponseInvalid):
        await lines_of(b"<html>", b"\n</html>")


async def test_a_line_without_end_is_given_up() -> None:
    piece = b'"' + b"x" * (1 << 20)
    with pytest.raises(ResponseInvalid):
        await lines_of(*[piece] * 80)
