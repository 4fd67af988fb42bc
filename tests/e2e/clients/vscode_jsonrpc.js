// vscode-jsonrpc's connection. Arguments: the daemon's command, or `--join SOCKET`.
const { spawn } = require("node:child_process");
const { once } = require("node:events");
const net = require("node:net");
const rpc = require("vscode-jsonrpc/node");

async function main([command, ...rest]) {
  const joins = command === "--join";
  const socket = joins && net.connect(rest[0]);
  const process_ = !joins && spawn(command, rest, { stdio: ["pipe", "pipe", "inherit"] });
  const left = once(joins ? socket : process_, joins ? "close" : "exit");
  const connection = rpc.createMessageConnection(
    new rpc.StreamMessageReader(joins ? socket : process_.stdout),
    new rpc.StreamMessageWriter(joins ? socket : process_.stdin),
  );
  connection.listen();
  await connection.sendRequest("initialize", { processId: process.pid, rootUri: null, capabilities: {} });
  await connection.sendNotification("initialized", {});
  const { provider, modelId } = await connection.sendRequest("resolveModel", { model: "ollama/llama3" });
  await connection.sendRequest("shutdown");
  await connection.sendNotification("exit");
  const [code] = await left;
  console.log(JSON.stringify({ provider, modelId, exitCode: joins ? 0 : code }));
}

main(process.argv.slice(2));
