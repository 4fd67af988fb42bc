"""What `agentrouted doctor` looks at."""

import sys
from importlib.util import find_spec
from pathlib import Path

import agentrouted
from agentrouted.cli.check import Check
from agentrouted.cli.door import daemon
from agentrouted.cli.model_checks import model_checks
from agentrouted.core.config.environment import Environment
from agentrouted.core.local.catalog import own_folder
from agentrouted.core.local.known import KNOWN_MODELS
from agentrouted_client import Client, ClientError
from agentrouted_protocol.config import ConfigGetResult
from agentrouted_protocol.daemon import DaemonStatus
from agentrouted_protocol.routing import ModelListParams, ModelListResult
from agentrouted_protocol.version import __version__


async def check_all() -> list[Check]:
    """Through a daemon where that is possible: what it finds is what an editor would get."""
    checks = [_python(), _package(), _engine(), _demo_model()]
    try:
        async with daemon() as client:
            return checks + await _ask_daemon(client)
    except ClientError as error:
        return [*checks, Check(name="daemon", state="broken", finding=error.message, mend=error.hint)]


async def _ask_daemon(client: Client) -> list[Check]:
    listed: ModelListResult = await client.request("model/list", ModelListParams(refresh=True))
    return [await _daemon(client), await _config(client), await _key(client), *model_checks(listed)]


def _python() -> Check:
    return Check(name="python", state="ok", finding=f"{sys.version.split()[0]} at {sys.executable}")


def _package() -> Check:
    return Check(
        name="package", state="ok", finding=f"agentrouted {__version__} at {Path(agentrouted.__file__).parent}"
    )


def _engine() -> Check:
    if find_spec("xllamacpp"):
        return Check(name="embedded engine", state="ok", finding="xllamacpp is installed")
    mend = f"{sys.executable} -m pip install 'agentrouted[local]'"
    return Check(name="embedded engine", state="note", finding="not installed: no local/… models", mend=mend)


def _demo_model() -> Check:
    model = KNOWN_MODELS["smollm2-135m"]
    home = Environment.of_process().home
    path = own_folder(home) / f"{model.name}.gguf" if home else None
    if path and path.is_file():
        return Check(name="demo model", state="ok", finding=str(path))
    return Check(name="demo model", state="note", finding="not here", mend=f"agentrouted models pull {model.name}")


async def _daemon(client: Client) -> Check:
    status: DaemonStatus = await client.request("daemon/status")
    if status.socket:
        return Check(name="daemon", state="ok", finding=f"process {status.pid} serves {status.socket}")
    return Check(name="daemon", state="ok", finding="starts; none is shared now (`agentrouted serve` starts one)")


async def _config(client: Client) -> Check:
    return _config_check(await client.request("config/get"))


def _config_check(config: ConfigGetResult) -> Check:
    errors = [problem for problem in config.problems if problem.severity == "error"]
    if errors:
        finding = f"{config.file} is not in force: {errors[0].message}"
        return Check(name="config", state="broken", finding=finding, mend="agentrouted config check")
    if config.file and Path(config.file).exists():
        return Check(name="config", state="ok", finding=f"{config.file} is in force")
    return Check(name="config", state="ok", finding=f"none, the defaults are in force ({config.file} would be read)")


async def _key(client: Client) -> Check:
    auth = (await client.resolve_model("openrouter/auto")).auth
    if auth.source == "none":
        mend = "export OPENROUTER_API_KEY=…  (only for models that do not run on this machine)"
        return Check(name="OpenRouter key", state="note", finding="none found", mend=mend)
    return Check(name="OpenRouter key", state="ok", finding=f"from {auth.source} {auth.name or ''}".rstrip())
