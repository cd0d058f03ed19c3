"""The VideoUpload kind: its nouns, its CRD, its Kubernetes client. Every other room may import this one."""
