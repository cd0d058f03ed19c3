"""What the VideoUpload kind is called in Kubernetes, and the version of its schema."""

VERSION = "v1alpha1"


PLURAL = "videouploads"


KIND = "VideoUpload"


# Of crds/videouploads.yaml: what the operator writes needs this one or a newer one.
SCHEMA_VERSION = 4
