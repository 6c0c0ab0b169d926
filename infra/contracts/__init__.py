"""The contracts with those who publish and ask, as files: generated from the models, committed, and held to them by a test.

kinds/          for each released kind the JSON Schema of its report: a CloudEvent in structured form
openapi.json    the HTTP API, OpenAPI 3.1
schemas         the schemas of the kinds, as values
generate        writes all of it: `python -m infra.contracts.generate`, or `troth schema --write DIR`
"""
