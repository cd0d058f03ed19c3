"""The examples in the client's docstrings are run."""

import doctest
import importlib
import pkgutil

import videoupload


def test_every_example_gives_the_result_that_it_shows() -> None:
    names = [module.name for module in pkgutil.iter_modules(videoupload.__path__, "videoupload.")]
    results = [doctest.testmod(importlib.import_module(name)) for name in names if not name.endswith("__main__")]

    assert sum(result.attempted for result in results) > 0
    assert sum(result.failed for result in results) == 0
