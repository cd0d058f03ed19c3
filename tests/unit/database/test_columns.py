"""The columns that are generated from the dataclasses hold every state, whatever fields it has."""

from dataclasses import fields
from typing import Any

from hypothesis import given, settings
from psycopg.types.json import Jsonb
from pydantic_core import from_json, to_json

from database.columns import VIDEO, desired_parameters, observed_parameters, video_row
from domain.video import DesiredState, ObservedState
from tests.support.builders.rows import row_of
from tests.support.builders.strategies import desired_states, observed_states


def stored(value: Any) -> Any:
    """Return a parameter as Postgres brings it back."""
    return from_json(to_json(value.obj)) if isinstance(value, Jsonb) else value


@given(desired=desired_states, observed=observed_states)
@settings(deadline=None)
def test_both_states_can_be_read_back_from_their_columns(desired: DesiredState, observed: ObservedState) -> None:
    row = row_of(desired, observed, metadata={"a": "b"}, part_bytes=5, upload_id="u1")
    of_row = {field.name: getattr(row, field.name) for field in fields(row)}
    columns = {**desired_parameters(desired), **observed_parameters(observed), **of_row}
    names = [name.removeprefix("videos.") for name in VIDEO.split(", ")]

    assert video_row([stored(columns[name]) for name in names]) == row


def test_a_field_of_both_states_has_a_column_for_each() -> None:
    names = VIDEO.split(", ")

    assert {"videos.edition", "videos.observed_edition"} <= set(names)
    assert len(set(names)) == len(names)
