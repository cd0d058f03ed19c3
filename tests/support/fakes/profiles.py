"""Transcode profiles in memory."""

from collections.abc import Collection, Mapping

from domain.profiles import DEFAULT_PROFILE, ORIGINAL, OrderedProfile, ProfileSpec, ordered


class FakeProfiles:
    """Stands in for `Profiles`, without deletions: what is gone from it was never there."""

    def __init__(self) -> None:
        self.by_name: dict[str, ProfileSpec] = {DEFAULT_PROFILE: ORIGINAL}
        self.held: set[str] = set()

    def get(self, name: str) -> OrderedProfile | None:
        spec = self.by_name.get(name)
        return None if spec is None else ordered(name, spec)

    def is_rollout_held(self, name: str, video_id: str, edition: int) -> bool:
        del video_id, edition
        return name in self.held

    def replace(self, profiles: Collection[OrderedProfile], *, kept: Collection[str] = ()) -> bool:
        before, given = self.by_name, {one.name: one.spec for one in profiles}
        self.by_name = {DEFAULT_PROFILE: ORIGINAL, **{name: before[name] for name in kept}, **given}
        return before != self.by_name

    def define(self, profiles: Mapping[str, ProfileSpec]) -> None:
        """Play the mirror: these are all profiles there are now."""
        self.replace([ordered(name, spec) for name, spec in profiles.items()])

    def waiting_videos(self, *, at_most: int) -> list[str]:
        return [][:at_most]
