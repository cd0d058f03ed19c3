"""The API described, for programs and for people, from the models that validate."""
