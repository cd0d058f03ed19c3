"""How the stack of the tests is started."""

from devstack.options import StackOptions

# By which the tests, as an app, open private videos to viewers, and sites whose pages may play them.
VIEWER_KEY = "the key of an app of the tests has 32 bytes or more"
FRIENDS, STRANGERS = "https://friends.example", "https://strangers.example"

# An upload may then take half an hour instead of a day, and a poll interval of 30 s becomes 0.6 s.
OPTIONS = StackOptions(
    time_scale=0.02,
    api_settings={"PLAYBACK_VIEWER_KEYS": f"app={VIEWER_KEY}", "CORS_ORIGINS": f"{FRIENDS},{STRANGERS}"},
)
