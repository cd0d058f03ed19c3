"""`stack.json` says what runs where, for people, tests and other programs."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from devstack.paths import Paths, write_private


class _Described(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class S3(_Described):
    """The object storage. ``bucket`` holds the originals; locally both buckets are the same."""

    endpoint: str
    region: str
    access_key: str
    secret_key: str
    bucket: str
    processed_bucket: str
    public_base_url: str


class CoconutServer(_Described):
    """Coconut or its stand-in; the URL ends in /v2."""

    url: str
    api_key: str


class Jwt(_Described):
    """The key and claims by which the API checks tokens."""

    signing_key: str
    issuer: str
    audience: str


class Tokens(_Described):
    """Ready-made tokens."""

    user: str
    other_user: str
    admin: str


class StackDescription(_Described):
    """One running stack."""

    api_url: str
    web_url: str
    kubeconfig: str
    namespace: str
    database_url: str
    s3: S3
    coconut: CoconutServer
    # The local mail server stores mails as `.local/mail/*.eml`.
    mail_url: str
    operator_metrics_url: str
    jwt: Jwt
    tokens: Tokens
    pids: dict[str, int]
    logs: dict[str, str]

    @classmethod
    def read(cls, paths: Paths) -> "StackDescription":
        """Read the description that the last command wrote. Raises FileNotFoundError if there is none."""
        return cls.model_validate_json(file_of(paths).read_text())

    def write(self, paths: Paths) -> None:
        """Write the description. It holds secrets, so only its owner can read the file."""
        write_private(file_of(paths), self.model_dump_json(indent=1) + "\n")


def file_of(paths: Paths) -> Path:
    """Return the path of the description."""
    return paths.root / "stack.json"
