"""A local stand-in for the Coconut transcoding API v2. What it does, and how it can be made to misbehave: README.md."""
