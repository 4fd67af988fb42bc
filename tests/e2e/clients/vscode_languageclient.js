// VS Code's language client. Arguments: the daemon's command, or `--join SOCKET`.
const { spawn } = require("node:child_process");
const { once } = require("node:events");
const net = require("node:net");
const { LanguageClient } = require("vscode-languageclient/node");

async function main([command, ...args]) {
  const exited = {};
  const join = async () => {
    const socket = net.connect(args[0]);
    exited.code = once(socket, "close").then(() => 0);
    return { reader: socket, writer: socket };
  };
  const start = async () => {
    const child = spawn(command, args);
    exited.code = once(child, "exit").then(([code]) => code);
    return child;
  };
  const client = new LanguageClient("agentrouted", "agentrouted", command === "--join" ? join : start, {});
  await client.start();
  const { provider, modelId } = await client.sendRequest("resolveModel", { model: "ollama/llama3" });
  await client.stop();
  console.log(JSON.stringify({ provider, modelId, exitCode: await exited.code }));
  // It would still wait two seconds to see whether the daemon has to be killed.
  process.exit();
}

main(process.argv.slice(2));
