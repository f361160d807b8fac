"""The first start: an account, and what to type next. Said once.

The password is shown on a terminal only. Where there is none, it goes to a file for the owner's eyes, which the
log names: logs are kept, shipped and read by others.
"""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

import structlog

from roadstead.app.services import Services, service_of
from roadstead.app.settings import Settings, reached_at
from roadstead.core.access.account import Account

log = structlog.get_logger()

PASSWORD_BYTES: Final = 15
FILE: Final = "first-login"


def first_start(services: Services) -> None:
    """Makes the first account on a data folder that has none, and says how to go on."""
    name = services.settings.first_account
    accounts = services.accounts()
    if not name or accounts.summaries():
        return
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    account = accounts.create(name, password)
    if sys.stdout.isatty():
        print(_welcome(services, account, password), flush=True)  # noqa: T201 - a person is waiting for it
        return
    file = services.folder.path / FILE
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as written:
        written.write(_welcome(services, account, password))
    log.info("first account created", account=account.name, handle=account.handle, did=account.did, login_in=str(file))


def _welcome(services: Services, account: Account, password: str) -> str:
    settings = services.settings
    host = service_of(settings) if settings.public_url else reached_at(settings.listen)
    visibility = settings.default_visibility
    seen_by = "everybody can pull from it, and its manifests and tags are public records of the account"
    if visibility == "private":
        seen_by = "only its owner, and who was granted it, can pull from it"
    program, where = _typed(settings)
    return f"""
This is the first start: there is an account for you now.

    name      {account.name}
    password  {password}
    handle    {account.handle}
    DID       {account.did}

What to type next, with docker (or podman, which needs --tls-verify=false without TLS):

    docker login -u {account.name} {host}
    docker pull alpine && docker tag alpine {host}/{account.name}/alpine
    docker push {host}/{account.name}/alpine

A new repository is {visibility}: {seen_by}.
    {program} repo hide {account.name}/alpine{where}
    {program} account passwd {account.name}{where}
make a repository private, and change the password.

"""


def _typed(settings: Settings) -> tuple[str, str]:
    """How this program is called from here, and the option that names its data folder where that is not the default."""
    called = Path(sys.argv[0])
    beside = os.path.relpath(called)
    program = called.name if shutil.which(called.name) else beside if called.is_file() else "roadstead"
    return program, "" if settings.data == Settings().data else f" --data {shlex.quote(settings.data)}"
