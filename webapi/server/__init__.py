"""How gunicorn serves the application: its workers, their connections, their end."""
