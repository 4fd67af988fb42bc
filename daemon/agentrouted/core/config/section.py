"""What every section of the configuration file shares."""

from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError


class Section(BaseModel):
    """A mapping of the file: immutable, unknown keys refused, an empty value counts as not written."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, data: Any) -> Any:
        return {} if data is None else drop_empty(data)


def drop_empty(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: value for key, value in data.items() if not _is_empty(value)}
    return data


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def refuse(message: str, hint: str | None = None) -> PydanticCustomError:
    """To be raised by a validator: what is wrong with the value, without the value itself, and the mend."""
    return PydanticCustomError("refused", "{message}", {"message": message, "hint": hint})


def _number(value: Any) -> Any:
    # Python counts `true` as 1; a person who writes it does not.
    if isinstance(value, bool):
        raise refuse("must be a number")
    return value


def stripped(value: str) -> str:
    if _is_empty(value):
        raise refuse("must not be empty")
    return value.strip()


def _secret(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def web_address(value: str) -> str:
    """Without the slashes at its end. Raises what validators raise."""
    address = value.strip().rstrip("/")
    if address.startswith("unix:///") and address.isprintable():
        return address
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError:
        raise refuse("must be a web address", "such as `https://api.example.com/v1`") from None
    _check_web_address(parts, address)
    return address


def _check_web_address(parts: SplitResult, address: str) -> None:
    if parts.scheme not in {"http", "https"} or not parts.hostname or any(map(str.isspace, address)):
        raise refuse("must be a web address", "such as `https://api.example.com/v1`")
    if parts.username is not None or parts.password is not None:
        raise refuse("must not hold a user name or password", "put the key under `api_key`")
    if parts.query or parts.fragment:
        raise refuse("must not have a `?` or `#` part")


def _header_value(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().isascii() or not value.get_secret_value().isprintable():
        raise refuse("must be one line of printable ASCII, as HTTP headers are")
    return value


Text = Annotated[str, AfterValidator(stripped)]
WebAddress = Annotated[str, AfterValidator(web_address)]
Secret = Annotated[SecretStr, BeforeValidator(_secret)]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
HeaderValue = Annotated[Secret, AfterValidator(_header_value)]

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False), BeforeValidator(_number)]
Days = Annotated[float, Field(gt=0, allow_inf_nan=False), BeforeValidator(_number)]
SecondsOrNever = Annotated[float, Field(ge=0, allow_inf_nan=False), BeforeValidator(_number)]
Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False), BeforeValidator(_number)]
Weight = Annotated[float, Field(gt=0, allow_inf_nan=False), BeforeValidator(_number)]
Count = Annotated[int, Field(ge=1, le=10**15), BeforeValidator(_number)]
NaturalNumber = Annotated[int, Field(ge=0), BeforeValidator(_number)]
