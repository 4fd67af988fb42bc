// VS Code's API as far as vscode-languageclient needs it to start, talk and stop. What is not named here may be
// called, made, extended or listened to, and does nothing. `shown` is what a person would have seen.
const shown = [];

function nothing(members = {}) {
  return new Proxy(function () {}, {
    get(target, name) {
      if (name === "then" || typeof name === "symbol") return undefined;
      if (name === "prototype") return target.prototype;
      return (members[name] ??= nothing());
    },
    set: (target, name, value) => Boolean((members[name] = value)),
    apply: () => nothing(),
  });
}

async function show(message) {
  shown.push(message);
}

class EventEmitter {
  listeners = new Set();
  event = (listener, self) => {
    const bound = listener.bind(self);
    this.listeners.add(bound);
    return { dispose: () => this.listeners.delete(bound) };
  };
  fire(value) {
    this.listeners.forEach((listener) => listener(value));
  }
  dispose() {
    this.listeners.clear();
  }
}

const commands = new Map();
function registerCommand(name, run) {
  if (commands.has(name)) throw new Error(`command '${name}' already exists`);
  commands.set(name, run);
  return { dispose: () => commands.delete(name) };
}

const channel = nothing({ name: "agentrouted", appendLine: (line) => shown.push(line), error: show, warn: show });

module.exports = nothing({
  shown,
  version: "1.106.0",
  env: { appName: "Visual Studio Code", language: "en" },
  commands: nothing({ registerCommand, executeCommand: async (name, ...args) => commands.get(name)(...args) }),
  window: nothing({
    createOutputChannel: () => channel,
    showErrorMessage: show,
    showWarningMessage: show,
    showInformationMessage: show,
    tabGroups: nothing({ all: [] }),
    visibleTextEditors: [],
  }),
  workspace: nothing({ textDocuments: [], notebookDocuments: [], workspaceFolders: [], getConfiguration: () => ({ get: () => undefined }) }),
  EventEmitter,
  Disposable: class {
    constructor(dispose) {
      this.dispose = dispose;
    }
  },
});
