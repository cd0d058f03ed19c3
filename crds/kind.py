"""The kinds' names in Kubernetes, and the versions of their schemas."""

VERSION = "v1alpha1"
PLURAL = "videouploads"
KIND = "VideoUpload"

# The schema version of crds/videouploads.yaml. The operator needs this one or a newer one to write its fields.
SCHEMA_VERSION = 11

PROFILE_PLURAL = "transcodeprofiles"
PROFILE_KIND = "TranscodeProfile"

# The schema version of crds/transcodeprofiles.yaml.
PROFILE_SCHEMA_VERSION = 2
