-- At hand in each scenario of the tests of Neovim, which is the file that the argument names.

events, calls, asked = {}, {}, {}

--- Wait for what `done` returns, until it is true.
function wait(done)
  assert(vim.wait(15000, done, 5), 'waited in vain')
  return done()
end

--- A client of a daemon of its own, or of what `options` says.
function start(options)
  local client_id = assert(vim.lsp.start(vim.tbl_extend('force', {
    name = 'agentrouted',
    cmd = { 'agentrouted', '--stdio' },
    init_options = { agentrouted = { tools = true } },
    handlers = {
      ['run/event'] = function(_, event) table.insert(events, event) end,
      ['tool/call'] = function(_, call)
        table.insert(calls, call)
        return { content = tostring(call.arguments.a + call.arguments.b) }
      end,
      ['client/registerCapability'] = function(_, params) table.insert(asked, params) end,
      ['workspace/configuration'] = function(_, params) table.insert(asked, params) end,
    },
  }, options or {}), { attach = false }))
  local client = assert(vim.lsp.get_client_by_id(client_id))
  wait(function() return client.initialized end)
  return client
end

function request(client, method, params)
  local answer = assert(client:request_sync(method, params, 15000))
  return answer.result or answer.err
end

function stop(client)
  client:stop()
  wait(function() return client:is_stopped() end)
end

function report(value) io.write(vim.json.encode(value), '\n') end

dofile(arg[1])
