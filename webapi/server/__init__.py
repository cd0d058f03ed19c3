"""How gunicorn serves the application: one worker, its connections, its end."""
