"""Values and rules that the operator and the API share. Imports only the standard library and pydantic."""
