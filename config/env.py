"""The environment: the only module that reads it. `.env.example` lists every name; settings give them to the apps."""

import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from config.embedded_postgres import binaries, server

BASE_DIR = Path(__file__).resolve().parent.parent

# No temporary files belong there, nor into any folder below.
_SYSTEM = ["/etc", "/usr", "/var/lib", "/boot", "/bin", "/lib", "/sbin", "/proc", "/sys"]
# A folder below may well be one of temporary files, such as /var/tmp or /dev/shm.
_SHARED = ["/", "/var", "/opt", "/home", "/root", "/dev"]

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_env: Any = environ.Env()  # type: ignore[no-untyped-call]
environ.Env.read_env(BASE_DIR / ".env", overwrite=False)


def text(name: str, default: str = "") -> str:
    """Return the variable, stripped, or `default` when it is unset or empty."""
    return str(_env.str(name, default="")).strip() or default


def boolean(name: str, default: bool) -> bool:
    """Return a switch. Raises ImproperlyConfigured when the text is neither yes nor no."""
    value = text(name).lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name}={value!r} is not a switch: write true or false.")


def whole(name: str, default: int, *, low: int, high: int) -> int:
    """Return a whole number within `low` and `high`, both allowed."""
    value = text(name)
    try:
        number = int(value) if value else default
    except ValueError:
        raise ImproperlyConfigured(f"{name}={value!r} is not a whole number ({low} to {high}).") from None
    if not low <= number <= high:
        raise ImproperlyConfigured(f"{name}={number} is outside {low} to {high}.")
    return number


def choice(name: str, default: str, allowed: Sequence[str]) -> str:
    """Return one of the allowed words. Raises ImproperlyConfigured for another one."""
    value = text(name, default).lower()
    if value not in allowed:
        raise ImproperlyConfigured(f"{name}={value!r} is not one of {', '.join(allowed)}.")
    return value


def weekdays(name: str) -> frozenset[int]:
    """Return days of the week as 0 (Monday) to 6; all of them when none is named."""
    names = [day.lower()[:3] for day in listing(name)] or list(_WEEKDAYS)
    unknown = [day for day in names if day not in _WEEKDAYS]
    if unknown:
        raise ImproperlyConfigured(f"{name} names {unknown[0]!r}, which is no day: write {','.join(_WEEKDAYS)}.")
    return frozenset(_WEEKDAYS.index(day) for day in names)


def listing(name: str) -> list[str]:
    """Return a comma-separated list without empty parts."""
    return [part.strip() for part in text(name).split(",") if part.strip()]


def identifiers(name: str) -> list[int]:
    """Return a comma-separated list of Discord's ids. Raises ImproperlyConfigured for anything else."""
    for part in (parts := listing(name)):
        if not (part.isascii() and part.isdecimal() and 15 <= len(part) <= 20):
            raise ImproperlyConfigured(
                f"{name} names {part!r}, which is no id of Discord: copy it with Developer Mode on (17 to 20 digits)."
            )
    return [int(part) for part in parts]


def identifier(name: str) -> int | None:
    """Return one of Discord's ids, or None when there is none. Raises ImproperlyConfigured for several."""
    found = identifiers(name)
    if len(found) > 1:
        raise ImproperlyConfigured(f"{name} names {len(found)} ids: write one.")
    return found[0] if found else None


def address(name: str) -> str:
    """Return an http(s) address without a slash at its end, or nothing. Raises ImproperlyConfigured else."""
    value = text(name).rstrip("/")
    if not value:
        return value
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ImproperlyConfigured(f"{name}={value!r} is no address: write one like https://checkback.example.org.")
    return value


def temp_folders(names: list[str], *, spare: Sequence[Path]) -> list[Path]:
    """Return the folders that the clean-up may empty. Raises ImproperlyConfigured for one that nobody can mean:
    above, equal to or in a folder of `spare`, of the system's programs or of Python, or above home or the code.
    """
    closed = [*spare, *map(Path, _SYSTEM), Path(sys.prefix), Path(sys.base_prefix)]
    kept = [*closed, *map(Path, _SHARED), BASE_DIR, Path.home()]
    folders = []
    for name in names:
        folder = _whole_path("TEMP_DIRS", name)
        # The clean-up goes down into every folder below.
        touched = [precious for precious in kept if precious.resolve().is_relative_to(folder)]
        touched += [precious for precious in closed if folder.is_relative_to(precious.resolve())]
        if touched:
            raise ImproperlyConfigured(
                f"TEMP_DIRS names {name!r}, which holds more than temporary files (see {touched[0]}): "
                "name a folder that holds nothing else."
            )
        folders.append(folder)
    return folders


def _at_home(name: str, value: str) -> Path:
    """Write out a leading ~ of a setting's path."""
    try:
        return Path(value).expanduser()
    except RuntimeError:  # there is no such user
        raise ImproperlyConfigured(
            f"{name} names {value!r}, but there is no home folder of that user: write the whole path, from / on."
        ) from None


def _whole_path(name: str, value: str) -> Path:
    folder = _at_home(name, value)
    if not folder.is_absolute():
        raise ImproperlyConfigured(f"{name} names {value!r}: write the whole path of the folder, from / on.")
    return folder.resolve()


def data_dir() -> Path:
    """The folder for everything that is made here: database (unless root), secret key, logs, runtime files."""
    return _at_home("CHECKBACK_DATA_DIR", text("CHECKBACK_DATA_DIR", str(BASE_DIR / ".data"))).resolve()


def backup_dir(folder: Path) -> Path:
    """The folder for copies of the database."""
    return _whole_path("BACKUP_DIR", text("BACKUP_DIR", str(folder / "backups")))


def postgres_programs(named: dict[str, Any]) -> str:
    """The folder of pg_dump and pg_restore; empty when PATH must find them. With the embedded PostgreSQL its own."""
    if folder := text("PG_BIN_DIR"):
        return str(_at_home("PG_BIN_DIR", folder))
    try:
        return str(binaries.find()) if named["ENGINE"] == "config.embedded_postgres" else ""
    except binaries.BinariesMissing:
        return ""


def secret_key(folder: Path) -> str:
    """Return SECRET_KEY, or one made at the first start and kept in the data folder, readable by its owner only."""
    if value := text("SECRET_KEY"):
        return value
    path = folder / "secret_key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f"secret_key.{secrets.token_hex(4)}"
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(50))
        try:
            path.hardlink_to(draft)  # unlike a rename this never replaces the key of a process that was faster
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


def database(folder: Path) -> dict[str, Any]:
    """Return Django's settings for DATABASE_URL, or for the embedded PostgreSQL when it is unset."""
    common: dict[str, Any] = {
        # Django-Q2's broker otherwise reconnects for every single task.
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
    url = text("DATABASE_URL")
    if not url:
        place = server.locate(folder)
        return {
            "ENGINE": "config.embedded_postgres",
            "NAME": server.DATABASE,
            "USER": server.ROLE,
            "HOST": str(place.socket),
            "DATA_DIR": str(folder),
            "LINGER_SECONDS": whole("CHECKBACK_POSTGRES_LINGER_SECONDS", 15, low=0, high=86400),
            **common,
        }
    pattern = "write postgres://user:password@host:5432/name, or leave it unset for the embedded PostgreSQL"
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in {"postgres", "postgresql", "psql", "pgsql"}:
        named = f"starts with {scheme!r}" if separator else "is not a URL"
        raise ImproperlyConfigured(f"DATABASE_URL {named}, but Checkback needs PostgreSQL 14 or newer: {pattern}.")
    try:
        parsed = dict(_env.db_url_config(url))
    except ValueError:  # its text may hold a piece of the password
        raise ImproperlyConfigured(
            f"DATABASE_URL cannot be read: {pattern}. In a password, write ? @ : / as %3F %40 %3A %2F."
        ) from None
    if not parsed.get("NAME"):
        raise ImproperlyConfigured(f"DATABASE_URL names no database: {pattern}.")
    return {**parsed, "ENGINE": "django.db.backends.postgresql", **common}
