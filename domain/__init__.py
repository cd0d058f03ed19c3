"""The ground: values and rules that the operator and the API share. Imports the standard library and pydantic only."""
