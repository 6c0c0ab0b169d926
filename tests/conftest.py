"""What holds for every test: no law fails because a shared machine was slow for a moment, and services start when asked for."""

from hypothesis import settings

# Built on the profile that Hypothesis chose: under CI=true it draws the same examples in every run.
settings.register_profile("house", settings.default, deadline=None)
settings.load_profile("house")

pytest_plugins = ["tests.services.fixtures", "tests.shelves", "tests.places"]
