"""The calls about videos: create, upload, list, show, change."""
