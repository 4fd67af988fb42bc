// vscode-jsonrpc as it comes, with a canned result.

const { readFileSync } = require("node:fs");
const { createServer } = require("node:net");
const rpc = require("vscode-jsonrpc/node");

const result = JSON.parse(readFileSync(process.argv[2], "utf8"));

function serve(reader, writer) {
  const connection = rpc.createMessageConnection(reader, writer);
  connection.onRequest("initialize", () => ({ capabilities: {} }));
  connection.onRequest("resolveModel", () => result);
  connection.listen();
}

const path = process.argv[3];
if (path === undefined) {
  serve(new rpc.StreamMessageReader(process.stdin), new rpc.StreamMessageWriter(process.stdout));
  process.stdin.on("end", () => process.exit(0));
} else {
  createServer((socket) => serve(new rpc.SocketMessageReader(socket), new rpc.SocketMessageWriter(socket))).listen(path);
}
