"""What may stand in `api_key`, and under `accounts`."""

from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, SecretStr, Tag, model_validator

from agentrouted.core.config.section import Seconds, SecondsOrNever, Secret, Section, Text, drop_empty, refuse
from agentrouted.core.key_source import CommandKey, KeyringKey
from agentrouted.core.secrets import name_without_keys

TAGS: Final = frozenset({"[text]", "[fetched]"})
"""Parts of pydantic's paths that do not stand in the file."""


def _argument(value: SecretStr) -> SecretStr:
    if "\0" in value.get_secret_value():
        raise refuse("must not hold a NUL character")
    return value


def _command(value: Any) -> Any:
    if not isinstance(value, list | tuple) or not value or not value[0]:
        raise refuse("must be a list: the program and its arguments", "such as `[op, read, op://Private/Groq/key]`")
    return value


def _entry(value: str) -> str:
    service, slash, user = value.rpartition("/")
    if not (service and slash and user):
        raise refuse("must name an entry", "`<service>/<user name>`, such as `agentrouted/groq`")
    return value


Argument = Annotated[SecretStr, AfterValidator(_argument)]
Command = Annotated[tuple[Argument, ...], BeforeValidator(_command, json_schema_input_type=list[str])]
Entry = Annotated[Text, AfterValidator(_entry)]


class KeyToFetch(Section):
    """In place of the key, where it is fetched from when a call needs it: a `command`, or the system's `keyring`."""

    command: Command | None = None
    """A program and its arguments, such as `[op, read, op://Private/Groq/key]`. It is started without a shell, in the
    home folder, with nothing to read; the first line that it writes is the key."""

    keyring: Entry | None = None
    """`<service>/<user name>`, such as `agentrouted/groq`: what `keyring set agentrouted groq` has kept. Needs
    `pip install 'agentrouted[keyring]'`."""

    refresh: SecondsOrNever = 3600
    """Seconds until it is fetched anew; 0 is never. One that the provider refuses is fetched anew at once."""

    timeout: Seconds = 30
    """Seconds that it may take."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.command is None) == (self.keyring is None):
            raise refuse("needs `command` or `keyring`, and not both")
        return self

    @property
    def source(self) -> CommandKey | KeyringKey:
        if self.command is not None:
            argv = tuple(argument.get_secret_value() for argument in self.command)
            return CommandKey(argv, self.timeout, self.refresh)
        service, _, user = (self.keyring or "").rpartition("/")
        return KeyringKey(service, user, self.timeout, self.refresh)


def _kind_of_key(value: Any) -> str:
    return "[fetched]" if isinstance(value, dict | KeyToFetch) else "[text]"


def _one_key(value: Any) -> Any:
    if isinstance(value, list):
        raise refuse("must be one key", "write several of them under `accounts`, each with a name")
    return value


def _account_name(value: str) -> str:
    if not value or value != value.strip() or name_without_keys(value) != value:
        raise refuse("is not a name for an account", "write `<name>: <key>`")
    return value


PlainKey = Annotated[Secret, BeforeValidator(_one_key, json_schema_input_type=str)]
ApiKey = Annotated[
    Annotated[KeyToFetch, Tag("[fetched]")] | Annotated[PlainKey, Tag("[text]")], Discriminator(_kind_of_key)
]
Accounts = Annotated[dict[Annotated[str, AfterValidator(_account_name)], ApiKey], BeforeValidator(drop_empty)]
