"""Hooks for Schemathesis: tokens for requests, and valid values that the OpenAPI document cannot describe.
All checks stay enabled."""

import os
import subprocess
import uuid

import schemathesis

if role := os.environ.get("ROLE"):

    @schemathesis.auth()
    class Token:
        """A session of the development account with this role. After a 401 Schemathesis requests a new token,
        because log-out is tested too."""

        def get(self, case, context):
            command = [os.environ["MIGRATE"], "token", "--role", role]
            return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

        def set(self, case, token, context):
            case.headers["Authorization"] = f"Bearer {token}"


password = "for development only"


@schemathesis.hook
def before_call(context, case, kwargs):
    """Changes valid requests so that the server accepts them. Invalid requests are not changed."""
    if not case.meta.generation.mode.is_positive:
        return
    headers, body = case.headers or {}, case.body
    # Generates a new key for each request, because a key belongs to one request.
    if "Idempotency-Key" in headers:
        headers["Idempotency-Key"] = str(uuid.uuid4())
    # `*` matches any version, because the current version changes during the test.
    if "If-Match" in headers:
        headers["If-Match"] = "*"
    # Removes NUL, which PostgreSQL cannot store. The schema of a free-form object cannot forbid it.
    if isinstance(body, dict):
        whole = without_nul(body)
        body.clear()
        body.update(whole)
    # Sets a time in the future. The year is a leap year, so that 29 February is valid.
    if operation(case) == "createToken" and "expires_at" in body:
        body["expires_at"] = "2996" + body["expires_at"][4:]
    # The server rejects common passwords, such as one repeated character.
    for name in {"password", "new_password"} & set(body if isinstance(body, dict) else ()):
        if isinstance(body[name], str) and len(set(body[name])) == 1:
            body[name] = f"not common {body[name][:100]}"
    if operation(case) == "changePassword":
        body["current_password"] = password


@schemathesis.hook
def after_call(context, case, response):
    """Stores the changed password for later requests."""
    global password
    if operation(case) == "changePassword" and response.status_code == 204:
        password = case.body["new_password"]


def without_nul(value):
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, list):
        return [without_nul(item) for item in value]
    if isinstance(value, dict):
        return {without_nul(name): without_nul(item) for name, item in value.items()}
    return value


def operation(case):
    return case.operation.definition.raw["operationId"]
