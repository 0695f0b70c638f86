"""What control and engine say to each other: documents, names of environment variables, bodies of health answers; and what both must
judge alike (`proxies`).

Invariants: no Django; every document is a pydantic model that refuses unknown keys; its JSON Schema is published in
docs/reference/schemas. A change that an older reader would misunderstand raises `CONTRACT_VERSION`.
"""

CONTRACT_VERSION = 1
