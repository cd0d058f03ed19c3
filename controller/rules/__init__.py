"""Pure rules: what an upload does next. No I/O, no clocks, no library but pydantic."""
