"""Schemathesis reads the description and sends what it allows and what it does not."""

import hypothesis
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from mien.web.app import create_app

CHECKS = [
    *(not_a_server_error, status_code_conformance, content_type_conformance),
    *(response_schema_conformance, unsupported_method),
]


def test_answers_are_as_described(settings):
    description = schemathesis.openapi.from_asgi("/openapi.json", create_app(settings()), headers={"Host": "localhost"})
    tried = 0

    for result in description.get_all_operations():
        operation = result.ok()

        @hypothesis.settings(
            max_examples=15,
            database=None,
            derandomize=True,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate],
        )
        @hypothesis.given(case=operation.as_strategy())
        def send(case):
            nonlocal tried
            tried += 1
            case.call_and_validate(checks=CHECKS, headers={"Host": "localhost"})

        send()
    assert tried > 50
