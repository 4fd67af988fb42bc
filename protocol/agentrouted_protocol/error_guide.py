"""What each error kind means, and what a client does about it."""

from typing import Final

from agentrouted_protocol.errors import ErrorKind

ERROR_GUIDE: Final[dict[ErrorKind, tuple[str, str]]] = {
    "parseError": ("The body is not JSON, or not UTF-8.", "Mend the client: nothing was done."),
    "invalidRequest": (
        "It is JSON, but no JSON-RPC 2.0 request; or a second `initialize`, or a request after `shutdown`.",
        "Mend the client: nothing was done.",
    ),
    "methodNotFound": ("No such method is served here.", "Look at the `methods` in the answer to `initialize`."),
    "invalidParams": ("A field is unknown, missing or mistyped.", "`details.problems` names each with its path."),
    "internalError": ("A fault of ours.", "Look at `agentrouted logs`, and report it."),
    "serverNotInitialized": ("A request came before `initialize`.", "Send `initialize` first."),
    "requestCancelled": (
        "You cancelled the request.",
        "Nothing. A cancelled `runAgent` answers with a result instead.",
    ),
    "modelUnresolved": ("The model string leads nowhere.", "`resolveModel` shows every rule that was tried."),
    "modelMissing": ("The server is there and does not have the model.", "The `hint` says how to get it."),
    "providerUnreachable": ("Nothing answers at the provider's address.", "Start the server, or check the network."),
    "providerTimeout": ("The provider answered too late, or fell silent.", "Try again, or raise the timeouts."),
    "providerAuth": ("The key is missing, wrong, or may not do this.", "The `hint` says where a key was looked for."),
    "rateLimited": ("Too many requests for this provider.", "Wait `retryAfter` seconds."),
    "quotaExceeded": ("The account at the provider has no credit left.", "Pay, or use another endpoint."),
    "providerError": (
        "The provider refused, or failed. `details.state` is `loading` or `outOfMemory` where its own server says so.",
        "`provider` has its own words, `hint` the command that mends it.",
    ),
    "responseInvalid": ("The provider answered something that is no answer.", "Try again, or use another endpoint."),
    "responseTruncated": ("The answer broke off before its end.", "Try again."),
    "contextOverflow": ("The conversation does not fit the model.", "Set `history`, or use a larger model."),
    "maxTurns": ("The run has used all its turns. `details`: `{turn, limit}`.", "Raise `maxTurns`."),
    "budgetExceeded": (
        "The next call could cost more than is left. `details`: `{spent, limit}`, in US dollars.",
        "Raise `maxCost` or the budget.",
    ),
    "priceUnknown": ("A limit is set, and the price of the model is not known.", "Put a price in the config."),
    "outputInvalid": (
        "The model did not keep to `output`, `retries` times.",
        "Simplify the schema, or use another model.",
    ),
    "toolFailed": ("A tool could not be run at all.", "See the message; a tool that merely fails tells the model."),
    "approvalDenied": ("A person rejected a call that the run cannot do without.", "Ask that person."),
    "guardrailBlocked": ("A guardrail forbids it. `details`: `{rule}`.", "Change the request, or the rule."),
    "notFound": ("No such run, agent, session or fact.", "List what there is."),
    "conflict": ("It exists already, or is in another state.", "Get its present state."),
    "configInvalid": ("The configuration says something impossible.", "Run `agentrouted config check`."),
    "overloaded": ("Too much is in flight.", "Wait for answers before you send more."),
    "messageTooLarge": ("A message is longer or deeper than the limits.", "Send less at a time."),
    "storage": ("The disk or the database failed.", "Look at free space and permissions of the state folder."),
}
