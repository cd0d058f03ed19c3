"""The VideoUpload kind's names in Kubernetes, and the version of its schema."""

VERSION = "v1alpha1"
PLURAL = "videouploads"
KIND = "VideoUpload"

# The schema version of crds/videouploads.yaml. The operator needs this one or a newer one to write its fields.
SCHEMA_VERSION = 7
