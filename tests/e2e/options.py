"""How the stack of the tests is started."""

from devstack.options import StackOptions

# An upload may then take half an hour instead of a day, and a poll interval of 30 s becomes 0.6 s.
OPTIONS = StackOptions(time_scale=0.02)
