"""The limit of a start: the standard library, no asyncio."""

import sys

RESULT = open(sys.argv[1], "rb").read()  # noqa: PTH123, SIM115 - pathlib would be most of the start
BODY = b'{"jsonrpc":"2.0","id":100000,"result":%b}' % RESULT
ANSWER = b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)

while line := sys.stdin.buffer.readline():
    sys.stdin.buffer.readline()
    sys.stdin.buffer.read(int(line.partition(b":")[2]))
    sys.stdout.buffer.write(ANSWER)
    sys.stdout.buffer.flush()
