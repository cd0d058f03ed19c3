"""How many files a process may open: the soft limit is often 1024, and the hard one far above it."""

import resource


def allow_open_files(wanted: int) -> int:
    """Raise this process's soft limit to ``wanted`` if it is lower, as far as allowed; return the limit that holds."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= allowed:
        return wanted if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed
