"""The profiles in Postgres: what a new video may name, and what a name means to the videos that say it."""

from dataclasses import replace

import psycopg
import pytest

from database.profiles import Profiles
from domain.profiles import DEFAULT_PROFILE, ORIGINAL, ProfileRendition, ProfileSpec, ProfileStoryboard, ordered
from domain.video import Phase, Reason
from tests.integration.database.rows import Rows
from tests.support.builders.videos import VIDEO, a_new_video

SMALL = ProfileSpec((ProfileRendition(360, 800),), storyboard=ProfileStoryboard(), mp4_heights=(360,))
OTHER = ProfileSpec((ProfileRendition(480, 900),))


@pytest.fixture
def profiles(rows: Rows) -> Profiles:
    return Profiles(rows.database)


def spec_of(profiles: Profiles, name: str) -> ProfileSpec | None:
    found = profiles.get(name)
    return None if found is None else found.spec


def test_the_default_is_the_original_until_a_profile_of_its_name_says_otherwise(profiles: Profiles) -> None:
    assert (spec_of(profiles, DEFAULT_PROFILE), profiles.is_offered(DEFAULT_PROFILE)) == (ORIGINAL, True)
    profiles.replace([ordered(DEFAULT_PROFILE, SMALL)])
    assert spec_of(profiles, DEFAULT_PROFILE) == SMALL
    profiles.replace([])
    assert (spec_of(profiles, DEFAULT_PROFILE), profiles.is_offered(DEFAULT_PROFILE)) == (ORIGINAL, True)


def test_taking_over_the_same_again_changes_nothing(profiles: Profiles) -> None:
    assert [profiles.replace([ordered("small", SMALL)]), profiles.replace([ordered("small", SMALL)])] == [True, False]
    assert (spec_of(profiles, "small"), profiles.is_offered("small")) == (SMALL, True)
    assert (spec_of(profiles, "none"), profiles.is_offered("none")) == (None, False)


def test_a_deleted_profile_is_no_longer_offered_and_still_means_what_it_meant(profiles: Profiles) -> None:
    profiles.replace([ordered("small", SMALL)])
    assert profiles.replace([]) is True
    assert (spec_of(profiles, "small"), profiles.is_offered("small")) == (SMALL, False)
    profiles.replace([ordered("small", OTHER)])
    assert (spec_of(profiles, "small"), profiles.is_offered("small")) == (OTHER, True)


def test_what_cannot_be_read_is_kept(profiles: Profiles) -> None:
    profiles.replace([ordered("small", SMALL)])
    assert profiles.replace([], kept=["small"]) is False
    assert profiles.is_offered("small")


def test_a_deleted_profile_is_forgotten_after_a_day_unless_a_video_names_it(
    rows: Rows, profiles: Profiles, empty_url: str
) -> None:
    profiles.replace([ordered("named", SMALL), ordered("unnamed", SMALL)])
    rows.commands.create(replace(a_new_video(VIDEO), profile="named"), per_hour=10)
    profiles.replace([])
    with psycopg.connect(empty_url) as connection:
        connection.execute("UPDATE transcode_profiles SET deleted_at = deleted_at - interval '2 days'")
    profiles.replace([])
    assert (spec_of(profiles, "named"), spec_of(profiles, "unnamed")) == (SMALL, None)


def test_videos_that_wait_for_a_profile_are_found_once_it_is_there(rows: Rows, profiles: Profiles) -> None:
    rows.commands.create(replace(a_new_video(VIDEO), profile="small"), per_hour=10)
    rows.observe(VIDEO, phase=Phase.UPLOADED, reason=Reason.WAITING_FOR_PROFILE)
    assert profiles.waiting_videos(at_most=5) == []
    profiles.replace([ordered("small", SMALL)])
    assert profiles.waiting_videos(at_most=5) == [VIDEO]


def test_what_was_ordered_is_read_back_as_it_was_written(rows: Rows) -> None:
    rows.create(VIDEO)
    rows.observe(VIDEO, ordered=ordered("small", SMALL))
    assert rows.row(VIDEO).observed.ordered == ordered("small", SMALL)
