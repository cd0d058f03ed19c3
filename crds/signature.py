"""Signs what the service writes into resources, and checks what it reads back.

Anyone with the right to edit VideoUploads can write any spec. Rows are restored from resources only as far as one
of our keys signed them: the spec in an annotation, the observation inside the status. See
docs/decisions/0021-resources-are-signed.md.

Several keys may be valid at once, so that they can be rotated: the first one signs, each one verifies.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic.alias_generators import to_camel

from crds.models import STATUS_FIELDS
from crds.resource import Resource, SignedBy
from domain.video import GROUP, ORIGIN_LABEL, Origin

SIGNATURE_ANNOTATION = f"{GROUP}/signature"

# The keys also sign callback URLs. A key derived for one purpose says nothing about the others.
_PURPOSE = b"video-uploads: signature of a VideoUpload"
_VERSION = "v1="
# What a row is restored from. The other fields of a status are derived from these.
_OBSERVATION = frozenset(map(to_camel, STATUS_FIELDS.values())) | {"work"}


class Signatures:
    """The keys of one installation."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [hmac.digest(key.encode(), _PURPOSE, hashlib.sha256) for key in keys]

    def of_spec(self, name: str, spec: Mapping[str, Any]) -> str:
        """Return the signature of a spec under this name, by the first key."""
        return _signature(self._keys[0], _spec_content(name, spec))

    def of_status(self, name: str, spec: Mapping[str, Any], status: Mapping[str, Any]) -> str:
        """Return the signature of the observation in a status, by the first key. Of the spec only the source counts."""
        return _signature(self._keys[0], _status_content(name, spec, status))

    def checked(self, resource: Resource) -> Resource:
        """Return the resource with the result of both checks, and its status without the signature."""
        spec_signed_by, status_signed_by, status = SignedBy.UNVERIFIED, SignedBy.UNVERIFIED, resource.status
        # A spec is signed as the API's. With another label it is an import, which is not signed.
        if resource.labels.get(ORIGIN_LABEL) == Origin.API.value:
            given = resource.annotations.get(SIGNATURE_ANNOTATION, "")
            spec_signed_by = self._signer(given, _spec_content(resource.name, resource.spec))
        if status is not None:
            given = status.get("signature", "")
            status_signed_by = self._signer(given, _status_content(resource.name, resource.spec, status))
            status = {name: value for name, value in status.items() if name != "signature"}
        return replace(resource, status=status, spec_signed_by=spec_signed_by, status_signed_by=status_signed_by)

    def _signer(self, given: str, content: bytes) -> SignedBy:
        # All keys are tried, so that the duration does not reveal which one matched.
        found = given.encode(errors="replace")
        matches = [hmac.compare_digest(_signature(key, content).encode(), found) for key in self._keys]
        if not any(matches):
            return SignedBy.UNVERIFIED
        return SignedBy.FIRST_KEY if matches[0] else SignedBy.OLDER_KEY


def _signature(key: bytes, content: bytes) -> str:
    return _VERSION + hmac.new(key, content, hashlib.sha256).hexdigest()


def _spec_content(name: str, spec: Mapping[str, Any]) -> bytes:
    return _bytes_of(["spec", name, spec])


def _status_content(name: str, spec: Mapping[str, Any], status: Mapping[str, Any]) -> bytes:
    # With its source, an observation cannot be moved to another file that takes the same name later.
    observation = {field: value for field, value in status.items() if field in _OBSERVATION}
    return _bytes_of(["status", name, spec.get("source"), observation])


def _bytes_of(content: Any) -> bytes:
    return json.dumps(_significant(content), sort_keys=True).encode()


def _significant(value: Any) -> Any:
    """Return the value in the one form that the API server does not change.

    It adds the defaults of fields that a later schema has, and writes 25.0 as 25. Where a field is left out its
    default says the same as an empty value, so empty values are left out everywhere.
    """
    match value:
        case dict():
            fields = {name: _significant(inner) for name, inner in value.items()}
            return {name: inner for name, inner in fields.items() if inner}
        case list() | tuple():
            return [_significant(inner) for inner in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value
