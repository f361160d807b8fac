"""Every setting, in one typed object. docs/configuration.md documents each, which a test holds.

A setting comes from, in rising order: its default here, the TOML file (`--config`, `ROADSTEAD_CONFIG`, else
`roadstead.toml` in the data folder, where it exists), the environment (`ROADSTEAD_` and its name in capitals), the
command line.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from roadstead.core.access.client_address import parse_networks
from roadstead.core.errors import InvalidSetting

PREFIX: Final = "ROADSTEAD_"
DATABASES: Final = ("postgresql://", "postgres://", "postgresql+psycopg://", "sqlite:///")

Positive = Annotated[int, Meta(ge=1)]
Count = Annotated[int, Meta(ge=0)]
Amount = Annotated[float, Meta(ge=0)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator may choose. All of it has a default: `roadstead serve` needs no configuration."""

    data: str = "data"
    """The folder with everything that this server keeps."""
    storage: str = ""
    """The folder for blobs and uploads, such as a larger disk, or a network file system that replicas share; empty
    means the data folder."""
    listen: str = "127.0.0.1:5000"
    """HOST:PORT to serve on."""
    workers: Count = 0
    """Processes that serve; 0 means one a core, four at most."""
    public_url: str = ""
    """The URL under which clients reach this server, behind a proxy, say; empty means the address listened on."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks (CIDR) of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed."""
    tls_cert: str = ""
    """PEM file with the certificate chain; with `tls_key`, the server speaks HTTPS."""
    tls_key: str = ""
    """PEM file with the certificate's private key."""
    database_url: str = ""
    """Where the SQL is: empty means SQLite in the data folder; else postgresql://USER:PASSWORD@HOST/NAME."""
    default_visibility: Literal["public", "private"] = "public"
    """What a new repository is, unless its account says otherwise."""
    first_account: str = "admin"
    """The account that the first start creates; empty means none."""
    manifest_limit_bytes: Annotated[int, Meta(ge=4 * 1024 * 1024)] = 4 * 1024 * 1024
    """The largest manifest that is accepted; the specification asks for 4 MiB at least."""
    upload_expiry_hours: Amount = 24
    """How long an upload session may lie idle before it is swept."""
    uploads_per_account: Positive = 200
    """How many upload sessions an account may have open."""
    rate_limit_per_s: Amount = 0
    """Requests a second that one client address may make for long; 0 means no limit."""
    rate_limit_burst: Positive = 200
    """Requests that one client address may make at once before the rate applies."""
    token_life_s: Annotated[int, Meta(ge=60)] = 900
    """How long a token for a client lasts, in seconds."""
    token_key_days: Positive = 30
    """After how many days a new key signs the tokens."""
    untagged_days: Count = 0
    """After how many days garbage collection takes a manifest without a tag; 0 means never."""
    gc_interval_hours: Amount = 24
    """How often garbage collection runs by itself; 0 means never."""
    gc_grace_hours: Amount = 24
    """How long content that nothing needs is kept; longer than any push takes."""
    scrub_interval_hours: Amount = 168
    """How often every blob is read back and checked by itself; 0 means never."""
    backlog_hours: Amount = 72
    """How long the firehose keeps events for subscribers that were away."""
    metrics_networks: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    """Addresses or networks (CIDR) that may read /metrics."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe messages that are logged."""
    log_requests: Literal["all", "changes", "none"] = "changes"
    """Which requests are logged; `changes` are those that write, and those that fail."""
    log_format: Literal["auto", "json", "text"] = "auto"
    """`text` for people, `json` for machines; `auto` means text on a terminal."""
    shutdown_grace_s: Amount = 30
    """How long a stop waits for what is being sent."""

    @property
    def path(self) -> Path:
        """The data folder."""
        return Path(self.data)

    @property
    def storage_path(self) -> Path:
        """The folder for blobs and uploads."""
        return Path(self.storage) if self.storage else self.path


FIELDS: Final = {field.name: field for field in msgspec.structs.fields(Settings)}


def load(flags: Mapping[str, Any], environment: Mapping[str, str], config: Path | None = None) -> Settings:
    """The settings in force.

    Args:
        flags: settings from the command line by their names; `None` means not given.
        environment: the process's environment.
        config: a TOML file that has to exist; without it, `roadstead.toml` in the data folder, if it is there.

    Raises:
        InvalidSetting: an unknown name or a value of the wrong kind; says which, from where, and what was expected.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    ambient = _from_environment(environment)
    named = config or (Path(environment["ROADSTEAD_CONFIG"]) if environment.get("ROADSTEAD_CONFIG") else None)
    data = Path(str(given.get("data") or ambient.get("data") or Settings().data))
    filed = _from_file(named or data / "roadstead.toml", must_exist=named is not None)
    try:
        settings = msgspec.convert({**filed, **ambient, **given}, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidSetting(f"the settings are not valid: {error}", remedy="see docs/configuration.md") from error
    return _checked(settings)


def _checked(settings: Settings) -> Settings:
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise InvalidSetting("tls_cert and tls_key belong together", remedy="set both, or neither")
    if settings.public_url and not settings.public_url.startswith(("http://", "https://")):
        raise InvalidSetting(
            f"public_url is {settings.public_url!r}; expected a URL such as https://registry.example.com"
        )
    if settings.database_url and not settings.database_url.startswith(DATABASES):
        # Not the URL itself: it may hold a password.
        raise InvalidSetting("database_url is none of postgresql://USER:PASSWORD@HOST/NAME")
    for networks in (settings.trusted_proxies, settings.metrics_networks):
        parse_networks(networks)
    split_listen(settings.listen)
    return settings


def split_listen(listen: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT` (`[::1]:5000` for IPv6).

    Raises:
        InvalidSetting: it is not of that form.
    """
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdecimal() or not 0 <= int(port) <= 65535:
        raise InvalidSetting(f"listen is {listen!r}; expected HOST:PORT, such as 127.0.0.1:5000")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 - what an empty host means everywhere


def reached_at(listen: str) -> str:
    """HOST:PORT at which clients on this machine reach a server that listens there.

    What stands for all addresses is none that a client can use: docker, for one, wants TLS there.
    """
    host, port = split_listen(listen)
    host = _LOOPBACK.get(host, host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


_LOOPBACK: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - this is where they are taken out


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for variable, text in environment.items():
        name = variable.removeprefix(PREFIX).lower()
        if variable.startswith(PREFIX) and name in FIELDS:
            is_list = FIELDS[name].type == tuple[str, ...]
            found[name] = tuple(part.strip() for part in text.split(",") if part.strip()) if is_list else text
    return found


def _from_file(file: Path, *, must_exist: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text())
    except FileNotFoundError:
        if must_exist:
            raise InvalidSetting(f"the configuration file {file} does not exist") from None
        return {}
    except (OSError, ValueError) as error:
        raise InvalidSetting(f"the configuration file {file} cannot be read: {error}") from error


def from_environment(**flags: Any) -> Settings:
    """`load` with this process's environment."""
    return load(flags, os.environ)
