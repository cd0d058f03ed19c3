"""webapi/server/ overrides internals of one gunicorn version, so a new version needs a person to look."""

from importlib.metadata import version

from webapi.server.connections import GUNICORN_VERSION


def test_the_installed_gunicorn_is_the_one_that_the_server_was_written_for() -> None:
    installed = version("gunicorn")

    assert installed == GUNICORN_VERSION, (
        f"gunicorn {installed} is installed; webapi/server/connections.py overrides internals of {GUNICORN_VERSION}."
        " Compare gunicorn/workers/gthread.py of both versions, run tests/integration/test_slow_clients.py,"
        " then change GUNICORN_VERSION."
    )
