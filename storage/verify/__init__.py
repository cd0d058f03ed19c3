"""Verification of sources and outputs: what was found in storage, judged without I/O where it can be."""
