"""Hashes and storage of transcode profiles."""

import json
from dataclasses import replace

from hypothesis import given

from domain.profiles import (
    ORIGINAL,
    ORIGINAL_HASH,
    ProfileAudio,
    ProfileSpec,
    ProfileStoryboard,
    json_of_spec,
    spec_of_json,
)
from tests.support.builders.strategies import profile_specs


def test_the_hash_of_the_original_never_changes() -> None:
    # Editions that record it, and those from before profiles, count as made with it: another text would redo them all.
    assert ORIGINAL_HASH == "22eede1a7d238624"


@given(profile_specs)
def test_a_stored_profile_is_the_same_and_has_the_same_hash(spec: ProfileSpec) -> None:
    stored = spec_of_json(json.loads(json.dumps(json_of_spec(spec))))
    assert stored == spec
    assert stored.hash == spec.hash


@given(profile_specs, profile_specs)
def test_profiles_that_make_something_else_have_another_hash(one: ProfileSpec, other: ProfileSpec) -> None:
    assert (one == other) == (one.hash == other.hash)


def test_what_is_at_its_default_is_not_part_of_the_hash() -> None:
    assert replace(ORIGINAL, audio=ProfileAudio(), quality=4).hash == ORIGINAL_HASH
    assert replace(ORIGINAL, storyboard=ProfileStoryboard()).hash != ORIGINAL_HASH
