"""Hypothesis strategies for every desired and observed state there can be."""

from datetime import UTC, datetime, timedelta, timezone
from string import ascii_lowercase, digits
from types import UnionType
from typing import Any, TypeVar, get_args, get_type_hints

from hypothesis import strategies as st

from domain.failures import Failure
from domain.object_keys import outputs_folder
from domain.profiles import (
    DEFAULT_PROFILE,
    AudioMode,
    Codec,
    OrderedProfile,
    ProfileAudio,
    ProfileRendition,
    ProfileSpec,
    ProfileStoryboard,
    SegmentFormat,
)
from domain.video import (
    COUNTER_MAX,
    DesiredState,
    ObservedState,
    Published,
    Rejection,
    Rendition,
    SourceFacts,
)

_T = TypeVar("_T")

_counts = st.integers(min_value=0, max_value=2**63 - 1)
_positive = st.integers(min_value=1, max_value=2**63 - 1)
_counters = st.integers(min_value=0, max_value=COUNTER_MAX)
_bytes = st.integers(min_value=1, max_value=5 * 1024**4)
# Short, for speed: what is too long is a case of its own.
_texts = st.text(max_size=9)
_lines = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=9)
_kept = st.none() | st.just("originals/v1/0a.mp4")
_words = st.text(min_size=1, max_size=9)
# Postgres answers in its session's zone, storage in its own: the same instants in other words.
_zones = st.integers(min_value=-12, max_value=14).map(lambda hours: timezone(timedelta(hours=hours)))


def _instant(microseconds: int, zone: timezone) -> datetime:
    return (datetime(2000, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)).astimezone(zone)


# A hundred years, in two draws: hypothesis' own datetimes take nine, and there are many in each observation.
_instants = st.builds(_instant, st.integers(min_value=0, max_value=36_525 * 86_400 * 10**6), _zones)
_LETTERS = ascii_lowercase + digits
_CONTROLS = [chr(code) for code in (*range(0x20), 0x7F)]
_keys = st.builds(
    "{}/{}/{}".format,
    st.sampled_from(["uploads", "imports"]),
    st.text(_LETTERS + "-", min_size=1, max_size=9),
    st.text(st.characters(codec="utf-8", exclude_characters=_CONTROLS), min_size=1, max_size=9),
)


def _as_id(number: int) -> str:
    """Return one of all ids there can be: 26 digits of a number to the base of 32."""
    return "".join((ascii_lowercase + "234567")[number >> 5 * place & 31] for place in range(26))


_OF_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    int: _counts,
    float: st.floats(min_value=0, max_value=1e9, allow_nan=False),
    str: _texts,
    datetime: _instants,
}


def _by_type(hint: Any) -> st.SearchStrategy[Any]:
    arms = get_args(hint) if isinstance(hint, UnionType) else [hint]
    return st.one_of([_OF_TYPE[arm] if arm in _OF_TYPE else st.from_type(arm) for arm in arms])


def _built(kind: type[_T], **closer: st.SearchStrategy[Any]) -> st.SearchStrategy[_T]:
    """Build values whose fields are drawn by type, or from the closer strategy that is given."""
    by_type = {name: _by_type(hint) for name, hint in get_type_hints(kind).items() if name not in closer}
    return st.builds(kind, **by_type, **closer)


_hashes = st.text("0123456789abcdef", min_size=16, max_size=16)
_heights = st.integers(min_value=72, max_value=1080).map(lambda half: 2 * half)


def _ladder(heights: set[int], rate: int, codec: Codec) -> tuple[ProfileRendition, ...]:
    return tuple(ProfileRendition(height, rate, codec) for height in sorted(heights))


ladders = st.builds(
    _ladder, st.sets(_heights, min_size=1, max_size=6), st.integers(50, 100_000), st.sampled_from(Codec)
)
profile_specs = st.builds(
    ProfileSpec,
    renditions=ladders,
    quality=st.integers(1, 5),
    segments=st.sampled_from(SegmentFormat),
    audio=st.builds(ProfileAudio, st.sampled_from(AudioMode), st.none() | st.integers(32, 320)),
    storyboard=st.none() | st.builds(ProfileStoryboard, st.integers(1, 60), st.integers(80, 640)),
    poster_seconds=st.none() | st.integers(0, 3600),
    mp4_heights=st.lists(_heights, max_size=2, unique=True).map(tuple),
)

desired_states = _built(
    DesiredState,
    video_id=st.integers(min_value=0, max_value=2**130 - 1).map(_as_id),
    revision=st.integers(min_value=1, max_value=COUNTER_MAX),
    owner=_lines,
    title=_lines,
    filename=_lines,
    content_type=_lines,
    declared_bytes=st.none() | _bytes,
    region=_lines,
    storage_key=_keys,
    profile=st.just(DEFAULT_PROFILE),
    edition=st.integers(min_value=1, max_value=COUNTER_MAX),
    retries=_counters,
    confirmations=_counters,
)

observed_states = _built(
    ObservedState,
    revision=_counters,
    edition=_positive,
    job_id=st.none() | _words,
    progress_percent=st.integers(min_value=0, max_value=100),
    rejected=st.none() | _built(Rejection, code=_words),
    source=st.none() | _built(SourceFacts, etag=_words, file_bytes=_bytes, key=_kept),
    published=st.none()
    | _built(
        Published,
        edition=_positive,
        renditions=st.lists(_built(Rendition, uri=_words), max_size=3).map(tuple),
        profile_hash=st.none() | _hashes,
        mp4_heights=st.lists(_heights, max_size=2).map(tuple),
    ),
    failure=st.none() | _built(Failure),
    retry_token=st.none() | _words,
    ordered=st.none() | st.builds(OrderedProfile, name=_words, hash=_hashes, spec=profile_specs),
    folder=st.none() | st.builds(outputs_folder, st.integers(1, 999), st.text("abc234", min_size=1, max_size=9)),
)
