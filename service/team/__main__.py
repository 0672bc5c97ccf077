"""`python -m service.team recover NAME|has-users`: access at the server's machine, on the database itself.

The environment configures the installation. Prints JSON, or an error on standard error with exit status 1.
"""

import argparse
import json
import sys
from typing import Any

from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from service.db.database import SessionFactory
from service.errors import NotFound
from service.settings import Settings
from service.team import recovery


def main(arguments: list[str]) -> None:
    """Run the action that the arguments name."""
    options = _parse_arguments(arguments)
    try:
        result = _run_action(Settings(), options)
    except ValidationError as error:
        sys.exit("The settings are invalid: " + "; ".join(_list_faults(error)))
    except SQLAlchemyError as error:
        sys.exit(f"The database cannot be used: {getattr(error, 'orig', None) or error}")
    sys.stdout.write(json.dumps(result))


def _parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m service.team", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("has-users", help="print whether the installation has users")
    recover = actions.add_parser("recover", help="make a user an admin again, and print a new token")
    recover.add_argument("name")
    recover.add_argument("--revoke-others", action="store_true", help="revoke all other tokens of the user")
    return parser.parse_args(arguments)


def _run_action(settings: Settings, options: argparse.Namespace) -> Any:
    return _recover(settings, options) if options.action == "recover" else recovery.has_installed_users(settings)


def _recover(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    sessions = SessionFactory(settings.resolved_database_url)
    try:
        if not recovery.has_installed_users(settings):
            sys.exit("The server has no users. Start it, and add an admin: stackyard users add NAME --admin")
        with sessions.begin() as session:
            user, issued = recovery.recover_admin(session, options.name, revokes_others=options.revoke_others)
            return {"user": user.name, "role": user.role, "token": issued.text, "prefix": issued.token.prefix}
    except NotFound:
        with sessions.read() as session:
            names = ", ".join(recovery.list_admin_names(session))
        sys.exit(f"There is no user {options.name!a}. The admins are: {names}")
    finally:
        sessions.dispose()


def _list_faults(error: ValidationError) -> list[str]:
    return [f"{'__'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]


if __name__ == "__main__":
    main(sys.argv[1:])
