"""The calls about videos: asked for, sent, shown, changed; and what administrators see and do of all owners' videos."""
