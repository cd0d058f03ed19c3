"""The setting that the migrations need. Both processes have it too, among others."""

from pydantic_settings import BaseSettings, SettingsConfigDict

from database.url import DatabaseUrl


class DatabaseSettings(BaseSettings):
    """The database, by the name of its environment variable."""

    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True)

    database_url: DatabaseUrl
