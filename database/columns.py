"""The columns of `videos`, generated from the dataclasses, and rows read back as values.

A field of DesiredState, ObservedState or VideoRow is a column of the same name; if both states have the field,
the observed state's column is called `observed_…`. An enum is stored as its text, a dataclass as jsonb,
a tuple of texts as an array.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from database.pool import Connection
from domain.records import AttemptRow, AttemptState, Cause, EventRow, VideoRow
from domain.video import DesiredState, ObservedState, Phase, Reason

_Translation = Callable[[Any], Any]


@dataclass(frozen=True)
class _Column:
    """The column of one field. ``read``, ``write``: how a value leaves and enters it; None where psycopg knows."""

    field: str
    name: str
    read: _Translation | None
    write: _Translation | None


def _columns_of(kind: type, *, besides: Collection[str] = ()) -> tuple[_Column, ...]:
    types, names = get_type_hints(kind), [field.name for field in fields(kind)]
    return tuple(
        _Column(name, f"observed_{name}" if name in besides else name, *_translations(types[name])) for name in names
    )


def _translations(hint: Any) -> tuple[_Translation | None, _Translation | None]:
    only = [arm for arm in get_args(hint) if arm is not NoneType] if isinstance(hint, UnionType) else [hint]
    if isinstance(only[0], type) and is_dataclass(only[0]):
        adapter = TypeAdapter[Any](only[0])
        return adapter.validate_python, lambda value: Jsonb(adapter.dump_python(value, mode="json"))
    if isinstance(only[0], type) and issubclass(only[0], StrEnum):
        return only[0], None
    if get_origin(only[0]) is tuple:
        # psycopg takes a tuple for a composite, and reads an array as a list.
        return tuple, list
    return None, None


_DESIRED = _columns_of(DesiredState)
_OBSERVED = _columns_of(ObservedState, besides={column.name for column in _DESIRED})
_OF_ROW = tuple(column for column in _columns_of(VideoRow) if column.field not in {"desired", "observed"})
_COLUMNS = _DESIRED + _OBSERVED + _OF_ROW

# Columns that never change: another file is another video.
_FIXED = frozenset({"video_id", "origin", "region", "storage_key"})


def _assignments(columns: Collection[_Column]) -> str:
    return ", ".join(f"{column.name} = %({column.name})s" for column in columns)


# What video_row reads. Named, never `*`: Postgres refuses a prepared statement whose columns a newer release's
# migration has changed.
VIDEO = ", ".join(f"videos.{column.name}" for column in _COLUMNS)

# Both states as the columns and values of an INSERT, and each as the assignments of an UPDATE. The parameters are made
# by desired_parameters and observed_parameters.
STATE_COLUMNS = ", ".join(column.name for column in _DESIRED + _OBSERVED)
STATE_VALUES = ", ".join(f"%({column.name})s" for column in _DESIRED + _OBSERVED)
SET_DESIRED = _assignments([column for column in _DESIRED if column.name not in _FIXED])
SET_OBSERVED = _assignments(_OBSERVED)

SELECT_VIDEO = f"SELECT {VIDEO} FROM videos WHERE video_id = %(video_id)s"  # noqa: S608 - a constant

_DESIRED_END, _OBSERVED_END = len(_DESIRED), len(_DESIRED) + len(_OBSERVED)
_READERS = tuple((index, column.read) for index, column in enumerate(_COLUMNS) if column.read is not None)


def video_row(values: Collection[Any]) -> VideoRow:
    """Make the row whose columns VIDEO have these values, in this order; further values are ignored."""
    row = list(values)
    for index, read in _READERS:
        if row[index] is not None:
            row[index] = read(row[index])
    desired, observed = row[:_DESIRED_END], row[_DESIRED_END:_OBSERVED_END]
    return VideoRow(DesiredState(*desired), ObservedState(*observed), *row[_OBSERVED_END : len(_COLUMNS)])


def fetch_video(connection: Connection, statement: str, parameters: Mapping[str, object]) -> VideoRow | None:
    """Run a statement whose first columns are VIDEO; return its row, or None if there is none."""
    return connection.cursor(row_factory=_video_factory).execute(statement, parameters).fetchone()


def fetch_videos(connection: Connection, statement: str, parameters: Mapping[str, object]) -> list[VideoRow]:
    """Run a statement that returns exactly the columns VIDEO; return its rows."""
    return connection.cursor(row_factory=_video_factory).execute(statement, parameters).fetchall()


def _video_factory(_cursor: object) -> Callable[[Collection[Any]], VideoRow]:
    # psycopg's default makes a dict first, which takes as long as reading the values.
    return video_row


def desired_parameters(desired: DesiredState) -> dict[str, Any]:
    """Return the parameters of an UPDATE or INSERT that stores a desired state."""
    return _parameters(desired, _DESIRED)


def observed_parameters(observed: ObservedState) -> dict[str, Any]:
    """Return the parameters of an UPDATE or INSERT that stores an observed state."""
    return _parameters(observed, _OBSERVED)


def _parameters(state: DesiredState | ObservedState, columns: Collection[_Column]) -> dict[str, Any]:
    values = vars(state)
    parameters = {column.name: values[column.field] for column in columns}
    for column in columns:
        if column.write is not None and parameters[column.name] is not None:
            parameters[column.name] = column.write(parameters[column.name])
    return parameters


def attempt_row(columns: DictRow) -> AttemptRow:
    """Make the value of one row of `attempts`."""
    return AttemptRow(**{**columns, "state": AttemptState(columns["state"])})


def event_row(columns: DictRow) -> EventRow:
    """Make the value of one row of `video_events`."""
    enums = {"cause": Cause(columns["cause"]), "phase": Phase(columns["phase"]), "reason": Reason(columns["reason"])}
    return EventRow(**{**columns, **enums})
