"""`webapi.wsgi:app` for gunicorn. Importing this module starts the service: it reads settings and opens pools."""

from webapi.wiring import read_environment, start

service = start(read_environment())
app = service.app
