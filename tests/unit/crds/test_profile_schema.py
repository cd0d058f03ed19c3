"""crds/transcodeprofiles.yaml and crds/profiles.py say the same. What CEL adds is tried on a real API server."""

import pytest

from crds import kind
from crds.profiles import DeclaredProfileBody, ProfileSpecBody
from domain import profiles
from domain.profiles import ORIGINAL
from tests.support.schema_facts import PROFILE_CRD, PROFILE_SCHEMA, Row, facts_of_crd, facts_of_model

SPEC, STATUS = PROFILE_SCHEMA["properties"]["spec"], PROFILE_SCHEMA["properties"]["status"]
EVERYTHING = facts_of_crd(PROFILE_SCHEMA)
OURS = {path: row for path, row in EVERYTHING.items() if path.startswith((".spec", ".status"))}


def test_the_spec_has_the_same_fields_and_bounds_in_both() -> None:
    assert facts_of_crd(SPEC) == facts_of_model(DeclaredProfileBody)


@pytest.mark.parametrize(("path", "row"), OURS.items(), ids=OURS.keys())
def test_every_field_is_bounded(path: str, row: Row) -> None:
    match row["type"]:
        case "string":
            assert "maxLength" in row or "enum" in row or row.get("format") == "date-time", path
        case "array":
            assert "maxItems" in row, path
        case "integer":
            assert "minimum" in row, path
            assert "maximum" in row or path.startswith(".status"), path
        case kind:
            assert kind in {"object", "boolean"}, path


def test_names_and_version_are_the_ones_in_python() -> None:
    names, version = PROFILE_CRD["spec"]["names"], kind.PROFILE_SCHEMA_VERSION
    assert (names["kind"], names["plural"]) == (kind.PROFILE_KIND, kind.PROFILE_PLURAL)
    assert (names["shortNames"], names["categories"]) == (["tp"], ["video"])
    assert PROFILE_CRD["metadata"]["annotations"]["video.uploads.dev/schema-version"] == str(version)
    assert PROFILE_SCHEMA["description"].endswith(f" Schema version {version}.")


def test_a_name_is_what_a_video_may_say() -> None:
    name = EVERYTHING[".metadata.name"]
    assert (name["pattern"], name["maxLength"]) == (profiles.PROFILE_PATTERN, profiles.PROFILE_NAME_MAX)


def test_a_spec_of_renditions_alone_is_the_original_one() -> None:
    renditions = [{"height": one.height, "maxRateKbps": one.max_rate_kbps} for one in ORIGINAL.renditions]
    assert ProfileSpecBody.model_validate({"renditions": renditions}).value == ORIGINAL
