"""The JSON schema of a study, for editors; config/schema.json is generated from here."""

import json

from framethrift.config.study import Study


def schema_text() -> str:
    """config/schema.json as it must be for the current models."""
    return json.dumps(Study.model_json_schema(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"
