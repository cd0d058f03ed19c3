"""crds/videouploads.yaml and crds/models.py say the same. What CEL adds is tried on a real API server."""

import re

import pytest

from crds import kind
from crds.models import Spec, Status
from domain import video
from domain.reasons import SHOWN_REASONS
from domain.video import Phase, Reason
from tests.support.schema_facts import CRD, EVERYTHING, SCHEMA, VERSION, Row, facts_of_crd, facts_of_model

SPEC, STATUS = SCHEMA["properties"]["spec"], SCHEMA["properties"]["status"]


def test_spec_has_the_same_fields_and_bounds_in_both() -> None:
    assert facts_of_crd(SPEC) == facts_of_model(Spec)


def test_status_has_the_same_fields_and_bounds_in_both() -> None:
    # The default is no written status, and what a written one must have is a CEL rule in the schema.
    ours = facts_of_crd(STATUS)
    required_when_written = re.findall(r"has\(self\.(\w+)\)", STATUS["x-kubernetes-validations"][0]["rule"])
    ours[""].pop("default")
    ours[""]["required"] = sorted({*ours[""]["required"], *required_when_written})
    assert ours == facts_of_model(Status)


def test_the_default_status_is_the_one_before_any_pass() -> None:
    assert STATUS["default"] == {"observedGeneration": -1, "phase": Phase.PENDING.value}


@pytest.mark.parametrize("path", [".status.phase", ".status.work.phase"])
def test_phases_are_the_phases(path: str) -> None:
    assert EVERYTHING[path]["enum"] == [phase.value for phase in Phase]


def test_reasons_are_the_reasons() -> None:
    assert EVERYTHING[".status.work.reason"]["enum"] == [reason.value for reason in Reason]
    assert EVERYTHING[".status.reason"]["enum"] == SHOWN_REASONS


OURS = {path: row for path, row in EVERYTHING.items() if path.startswith((".spec", ".status"))}


@pytest.mark.parametrize(("path", "row"), OURS.items(), ids=OURS.keys())
def test_every_field_is_bounded(path: str, row: Row) -> None:
    match row["type"]:
        case "string":
            assert "maxLength" in row or "enum" in row or row.get("format") == "date-time", path
        case "array":
            assert "maxItems" in row, path
        case "integer" | "number":
            assert "minimum" in row, path
        case kind:
            assert kind in {"object", "boolean"}, path


def test_names_are_the_ones_in_python() -> None:
    names = CRD["spec"]["names"]
    assert (CRD["spec"]["group"], VERSION["name"]) == (video.GROUP, kind.VERSION)
    assert (names["kind"], names["plural"]) == (kind.KIND, kind.PLURAL)
    assert (names["shortNames"], names["categories"]) == (["vu"], ["video"])


def test_the_schema_version_is_the_same_in_code_annotation_and_description() -> None:
    version = kind.SCHEMA_VERSION
    assert CRD["metadata"]["annotations"]["video.uploads.dev/schema-version"] == str(version)
    assert SCHEMA["description"].endswith(f" Schema version {version}.")


def test_every_valid_name_is_valid_in_rows_keys_and_signatures() -> None:
    name = EVERYTHING[".metadata.name"]
    assert (name["pattern"], name["maxLength"]) == (video.VIDEO_ID_PATTERN, video.VIDEO_ID_MAX)
    assert video.is_video_id(video.new_video_id())


def test_columns_and_selectors_point_at_fields_that_exist() -> None:
    columns = {column["jsonPath"] for column in VERSION["additionalPrinterColumns"]}
    selectors = {field["jsonPath"] for field in VERSION["selectableFields"]}
    assert columns | selectors - {".metadata.creationTimestamp"} <= {*EVERYTHING, ".metadata.creationTimestamp"}


def test_a_future_time_is_no_date_column() -> None:
    dates = [column["name"] for column in VERSION["additionalPrinterColumns"] if column["type"] == "date"]
    assert dates == ["Age"]
