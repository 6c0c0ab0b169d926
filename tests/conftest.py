"""What holds for every test: no law fails because a shared machine was slow for a moment."""

from hypothesis import settings

# Built on the profile that Hypothesis chose: under CI=true it draws the same examples in every run.
settings.register_profile("house", settings.default, deadline=None)
settings.load_profile("house")
