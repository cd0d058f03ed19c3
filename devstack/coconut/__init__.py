"""A local stand-in for the Coconut transcoding API v2. README.md says what it does and how to make it fail."""
