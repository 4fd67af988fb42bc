-- Neovim's own client. Arguments: the daemon's command, or `--join SOCKET`.
local daemon = vim.deepcopy(arg)
local exit_code
local id = assert(vim.lsp.start({
  name = 'agentrouted',
  cmd = daemon[1] == '--join' and vim.lsp.rpc.connect(daemon[2]) or daemon,
  on_exit = function(code) exit_code = code end,
}, { attach = false }))
local client = assert(vim.lsp.get_client_by_id(id))
assert(vim.wait(10000, function() return client.initialized end, 5))

local route = assert(client:request_sync('resolveModel', { model = 'ollama/llama3' }, 10000)).result
client:stop()
assert(vim.wait(10000, function() return exit_code end, 5))
io.write(vim.json.encode({ provider = route.provider, modelId = route.modelId, exitCode = exit_code }), '\n')
