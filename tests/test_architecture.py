"""The walls of the house, as tables. See ARCHITECTURE.md.

If a test here fails, either the code is wrong, or the table and ARCHITECTURE.md change together.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]

# Where each import package lives. Other Python files in these folders are strays.
WINGS = {"agentrouted": "daemon", "agentrouted_protocol": "protocol", "agentrouted_client": "clients/python"}

# A room imports from floors below its own; never from above, never from its own floor.
FLOORS = (
    {"agentrouted.__main__", "agentrouted.testing"},
    {"agentrouted.cli"},
    {"agentrouted"},
    {"agentrouted.face", "agentrouted.server", "agentrouted.gateway", "agentrouted_client"},
    {"agentrouted.core.models"},
    {"agentrouted.core.agent"},
    {"agentrouted.core.erasing", "agentrouted.core.routing", "agentrouted.core.services"},
    {
        "agentrouted.core.journal",
        "agentrouted.core.keys",
        "agentrouted.core.mcp",
        "agentrouted.core.memory",
        "agentrouted.core.output",
        "agentrouted.core.profiles",
        "agentrouted.core.usage",
    },
    {
        "agentrouted.core.config",
        "agentrouted.core.history",
        "agentrouted.core.local",
        "agentrouted.core.schema",
        "agentrouted.core.storage",
        "agentrouted.core.wire",
    },
    {
        "agentrouted.core.failure",
        "agentrouted.core.health",
        "agentrouted.core.host",
        "agentrouted.core.prices",
        "agentrouted.core.quirks",
        "agentrouted.core.times",
        "agentrouted.core.troubles",
    },
    {"agentrouted.core.faults"},
    {
        "agentrouted.core",
        "agentrouted.core.in_words",
        "agentrouted.core.endpoint",
        "agentrouted.core.errors",
        "agentrouted.core.loopback",
        "agentrouted.core.opened",
        "agentrouted.core.secrets",
        "agentrouted.core.threads",
        "agentrouted.core.tokens",
    },
    {"agentrouted.core.key_source"},
    {"agentrouted_protocol"},
)

# These do not see all that lies below them.
SEES_ONLY = {"agentrouted_client": {"agentrouted_protocol"}, "agentrouted.testing": {"agentrouted.face"}}

# Where each library is at home. What is not here is in the standard library, or has no business in the house.
LIBRARIES = {
    "aiohttp": {"agentrouted.core.wire"},
    "aiosqlite": {"agentrouted.core.storage"},
    "anyio": {"agentrouted.core.mcp"},  # the streams and errors of `mcp`
    "argparse": {"agentrouted.cli", "agentrouted.testing"},
    "cattrs": {"agentrouted.server.rpc"},
    "docstring_parser": {"agentrouted.face.docstrings"},
    "genai_prices": {"agentrouted.core.prices"},
    "httpx": {"agentrouted.core.wire"},
    "httpx_aiohttp": {"agentrouted.core.wire"},
    "httpx2": {"agentrouted.core.mcp"},  # what `mcp` stands on
    "jsonschema": {"agentrouted.core.schema"},
    "keyring": {"agentrouted.core.keys.keyring"},
    "lsprotocol": {"agentrouted.server.rpc"},
    "mcp": {"agentrouted.core.mcp"},
    "mcp_types": {"agentrouted.core.mcp"},
    "numpy": {"agentrouted.core.memory.vectors.nearest"},
    "pygls": {"agentrouted.server.rpc"},
    "referencing": {"agentrouted.core.schema"},
    "rich": {"agentrouted.cli.terminal"},
    "typing_extensions": {"agentrouted.face.typed_dicts"},
    "watchfiles": {"agentrouted.core.config"},
    "xllamacpp": {"agentrouted.core.local.child"},
    "yaml": {"agentrouted.core.config"},
}
EVERYWHERE = {"pydantic", "pydantic_core"}

# Siblings of one shape: they know their `base`, never each other.
FAMILIES = (
    "agentrouted.cli.commands",
    "agentrouted.core.config.imports",
    "agentrouted.server.handlers",
    "agentrouted.server.transports",
)

# The table of wire formats, and what it imports beside them.
FORMATS = "agentrouted.core.wire.formats"
NO_FORMATS = {"agentrouted.core.wire.base", "agentrouted.core.wire.http"}

# Who may read the environment and the home folder.
READS_ENVIRONMENT = (
    "agentrouted.cli",
    "agentrouted.core.config",
    "agentrouted_protocol.rendezvous",  # a client has no config, and must find the socket
)
ENVIRONMENT = {"os.environ", "os.getenv", "os.path.expanduser", "Path.home", "Path.expanduser"}

LONGEST_MODULE = 400
LONGEST_FIRST_LINE = 60


@dataclass(frozen=True)
class Module:
    name: str
    path: Path

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text())

    @cached_property
    def imports(self) -> set[str]:
        """All modules it imports, wherever the import stands: in functions and under TYPE_CHECKING too."""
        return set(self._imports())

    def _imports(self) -> Iterator[str]:
        for node in ast.walk(self.tree):
            match node:
                case ast.Import(names=names):
                    yield from (alias.name for alias in names)
                case ast.ImportFrom(module=str(module), names=names):
                    for alias in names:
                        # `from package import module` is an import of the module.
                        yield full if (full := f"{module}.{alias.name}") in NAMES else module

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))


def modules() -> Iterator[Module]:
    for package, wing in WINGS.items():
        for path in sorted((ROOT / wing / package).rglob("*.py")):
            parts = path.relative_to(ROOT / wing).with_suffix("").parts
            yield Module(".".join(parts).removesuffix(".__init__"), path)


MODULES = list(modules())
NAMES = {module.name for module in MODULES}


def is_in(name: str, *homes: str) -> bool:
    return any(name == home or name.startswith(f"{home}.") for home in homes)


def ours(module: Module) -> set[str]:
    return {name for name in module.imports if name.partition(".")[0] in WINGS}


def floor(name: str) -> tuple[str, int]:
    """The room that a module is in, and its floor from the top."""
    rooms = {room: number for number, rooms in enumerate(FLOORS) for room in rooms if is_in(name, room)}
    room = max(rooms, key=len)
    return room, rooms[room]


def test_every_module_is_in_a_room_that_has_a_floor() -> None:
    lobbies = {"agentrouted", "agentrouted.core"}
    strays = [str(module) for module in MODULES if floor(module.name)[0] in lobbies and module.name not in lobbies]
    assert not strays, f"give these a floor in FLOORS: {strays}"


def test_imports_run_down_and_never_up_or_across() -> None:
    faults = [
        f"{module} imports {name}: move what it needs to a lower floor, or the module to a higher one"
        for module in MODULES
        for name in ours(module)
        if not may_import(module.name, name)
    ]
    assert not faults, "\n".join(faults)


def may_import(importer: str, imported: str) -> bool:
    (from_room, from_floor), (to_room, to_floor) = floor(importer), floor(imported)
    if from_room == to_room:
        return True
    return from_floor < to_floor and to_room in SEES_ONLY.get(from_room, {to_room})


def test_no_module_imports_itself_by_a_detour() -> None:
    graph = {module.name: ours(module) & NAMES - {module.name} for module in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(f"move what both need into a third module: {' ← '.join(error.args[1])}") from None


def test_each_library_stays_at_home() -> None:
    faults = []
    for module in MODULES:
        for library in {name.partition(".")[0] for name in module.imports} - WINGS.keys() - EVERYWHERE:
            homes = LIBRARIES.get(library)
            if homes is None and library not in sys.stdlib_module_names:
                faults.append(f"{module} imports {library}, which has no home in LIBRARIES")
            elif homes and not is_in(module.name, *homes):
                faults.append(f"{module} imports {library}: only {sorted(homes)} may, so ask there for what you need")
    assert not faults, "\n".join(faults)


def test_members_of_a_family_never_import_each_other() -> None:
    faults = [
        f"{module} imports its sibling {name}: move what both need to {family}.base, or out of the family"
        for family in FAMILIES
        for module in MODULES
        if is_in(module.name, family) and module.name != family
        for name in ours(module)
        if is_in(name, family) and name not in {family, f"{family}.base", module.name}
    ]
    assert not faults, "\n".join(faults)


def test_a_wire_format_is_known_to_the_table_of_formats_only() -> None:
    table = next(module for module in MODULES if module.name == FORMATS)
    formats = {name for name in ours(table) if is_in(name, "agentrouted.core.wire")} - NO_FORMATS
    importers = [str(module) for module in MODULES if formats & module.imports and module is not table]
    assert not importers, f"let these take what formats share from a module of its own: {importers}"


def test_the_environment_and_the_home_folder_are_read_in_few_places() -> None:
    faults = [
        f"{module}:{node.lineno} reads {name}: take the value as an argument"
        for module in MODULES
        if not is_in(module.name, *READS_ENVIRONMENT)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and (name := ast.unparse(node)) in ENVIRONMENT
    ]
    assert not faults, "\n".join(faults)


def test_imports_are_absolute() -> None:
    faults = [
        f"{module}:{node.lineno} imports by dots: write the whole name"
        for module in MODULES
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not faults, "\n".join(faults)


def test_no_python_file_lies_loose_in_a_wing() -> None:
    loose = [str(path.relative_to(ROOT)) for wing in WINGS.values() for path in (ROOT / wing).glob("*.py")]
    assert not loose, f"move these into the package beside them: {loose}"


def test_no_module_is_too_long() -> None:
    long = [str(module) for module in MODULES if len(module.path.read_text().splitlines()) > LONGEST_MODULE]
    assert not long, f"these are two modules each: {long}"


def test_the_first_line_of_each_module_says_what_it_is_for() -> None:
    faults = []
    for module in MODULES:
        first_line = (ast.get_docstring(module.tree) or "").partition("\n")[0]
        if not 0 < len(first_line) <= LONGEST_FIRST_LINE:
            faults.append(f"{module}: begin with a docstring of at most {LONGEST_FIRST_LINE} characters")
    assert not faults, "\n".join(faults)
