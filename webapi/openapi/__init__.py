"""The OpenAPI document, made from the models that validate requests, and the page that shows it."""
