"""Object storage (any S3): clients, presigning, listings, multipart uploads, verification, publishing.

The layout of keys is in domain/object_keys.py.
"""
