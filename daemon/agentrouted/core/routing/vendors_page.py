"""The page about the known providers, from their rows."""

from collections.abc import Iterator
from typing import Final

from agentrouted.core.routing.vendors import LOCAL_KINDS, VENDORS

_HEAD: Final = """\
<!-- Generated from agentrouted.core.routing.vendors; do not edit. -->
# Providers that are known by name

`<provider>/<model>` leads to them: to local ones always, to hosted ones where the config names them
(`providers.<name>`) or `AGENTROUTE_<PROVIDER>_API_KEY` is set. `api_base`, `api_key` and `api_protocol` in the config
win over what stands here; any other server that speaks one of these formats is a provider with an `api_base`.
"""

_SOCKETS: Final = """\
## Servers on a Unix socket

`unix:///run/llama.sock` stands wherever an address may: in these variables, as `api_base`, as `baseUrl`. So does
`http+unix://%2Frun%2Fllama.sock`, as other programs write it. None of these servers has a usual path for a socket, so
there is none where `model/list` and `doctor` would look without being told.

| server | listens on a socket |
| --- | --- |
| llama.cpp | `llama-server --host /run/llama.sock`, where the path [ends in `.sock`][llama.cpp] |
| vLLM | `vllm serve MODEL` [`--uds /run/vllm.sock`][vllm] |
| Ollama | [not yet][ollama]; `OLLAMA_HOST=unix:///run/ollama.sock` is understood, as it is planned there |
| LM Studio | no: a port only |
| TGI | no: the sockets under `/tmp/text-generation-server` are between its own processes, and speak gRPC |

[llama.cpp]: https://github.com/ggml-org/llama.cpp/pull/12613
[vllm]: https://github.com/vllm-project/vllm/pull/18097
[ollama]: https://github.com/ollama/ollama/issues/739
"""


def render_markdown() -> str:
    return "\n".join((_HEAD, *_hosted(), "", *_local(), "", _SOCKETS))


def _hosted() -> Iterator[str]:
    yield "| hosted | address | key | format | see |"
    yield "| --- | --- | --- | --- | --- |"
    for vendor in VENDORS.values():
        address = vendor.base_url or vendor.base_form
        pages = f"[API]({vendor.docs_page}), [keys]({vendor.keys_page})"
        yield f"| `{vendor.name}` | {address} | {_names(vendor.key_variables)} | `{vendor.wire}` | {pages} |"


def _local() -> Iterator[str]:
    yield "| local | address | its variables | key |"
    yield "| --- | --- | --- | --- |"
    for kind in LOCAL_KINDS.values():
        address = kind.base_url or "inside the daemon"
        yield f"| `{kind.name}` | {address} | {_names(kind.base_variables)} | {_names(kind.key_variables)} |"


def _names(variables: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in variables)
