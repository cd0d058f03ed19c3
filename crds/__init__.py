"""The VideoUpload kind: its schema, the API server's client, and what spec, status and conditions hold."""
