"""Conditions that limit a statement to the rows of an operator's region."""

from domain.regions import RegionScope

# Of a row of `videos`.
IN_SCOPE = "(%(regions)s::text[] IS NULL OR videos.region = ANY(%(regions)s))"


def about_a_video_in_scope(video_id: str) -> str:
    """Return the condition for what is about a video. What is left of a purged one is the home region's."""
    video = f"SELECT FROM videos WHERE videos.video_id = {video_id} AND"
    return f"""(%(regions)s::text[] IS NULL OR CASE WHEN %(is_home)s
        THEN NOT EXISTS ({video} videos.region <> ALL(%(regions)s))
        ELSE EXISTS ({video} videos.region = ANY(%(regions)s)) END)"""


def scope_parameters(scope: RegionScope) -> dict[str, object]:
    """Return the parameters of both conditions."""
    return {"regions": scope.names, "is_home": scope.is_home}
