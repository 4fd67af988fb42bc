// At hand in each scenario of the tests with Node.
const { spawn } = require("node:child_process");
const { EventEmitter, once } = require("node:events");
const rpc = require("vscode-jsonrpc/node");
const { LanguageClient, TransportKind } = require("vscode-languageclient/node");
const vscode = require("vscode");

/** A vscode-jsonrpc connection to a daemon of its own, its session open. Events are emitted by kind, too. */
async function start() {
  const child = spawn("agentrouted", ["--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
  const [reader, writer] = [new rpc.StreamMessageReader(child.stdout), new rpc.StreamMessageWriter(child.stdin)];
  const connection = rpc.createMessageConnection(reader, writer);
  const seen = Object.assign(new EventEmitter(), { events: [], calls: [] });
  connection.onNotification("run/event", (event) => {
    seen.events.push(event);
    seen.emit(event.kind, event);
  });
  connection.onRequest("tool/call", (call) => {
    seen.calls.push(call);
    return { content: String(call.arguments.a + call.arguments.b) };
  });
  connection.listen();
  const initializationOptions = { agentrouted: { tools: true } };
  await connection.sendRequest("initialize", { processId: process.pid, capabilities: {}, initializationOptions });
  await connection.sendNotification("initialized", {});
  return Object.assign(connection, { child, seen });
}

async function stop(connection) {
  const exit = once(connection.child, "exit");
  await connection.sendRequest("shutdown");
  await connection.sendNotification("exit");
  await exit;
}

/** VS Code's language client, started as an extension does. */
async function startLanguageClient(transport = TransportKind.stdio) {
  const client = new LanguageClient("agentrouted", { command: "agentrouted", transport }, {});
  await client.start();
  return client;
}

const report = (value) => console.log(JSON.stringify(value));

/** The language client would still wait two seconds to see whether the daemon has to be killed. */
function reportAndExit(value) {
  report(value);
  process.exit();
}

Object.assign(globalThis, { once, report, reportAndExit, rpc, start, startLanguageClient, stop, TransportKind, vscode });
