"""What Schemathesis cannot know from the document: where tokens come from, and those valid values
that only the server can tell from others. No check is switched off or softened for them."""

import os
import subprocess
import uuid

import schemathesis

if role := os.environ.get("ROLE"):

    @schemathesis.auth()
    class Token:
        """A session of the account for development that has this role. Whenever the API answers 401
        comes a new one: to log out is among what is tested."""

        def get(self, case, context):
            command = [os.environ["MIGRATE"], "token", "--role", role]
            return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

        def set(self, case, token, context):
            case.headers["Authorization"] = f"Bearer {token}"


password = "for development only"


@schemathesis.hook
def before_call(context, case, kwargs):
    """Makes a valid request one that the server has to accept; invalid ones go as they are."""
    if not case.meta.generation.mode.is_positive:
        return
    headers, body = case.headers or {}, case.body
    # One key is for one request.
    if "Idempotency-Key" in headers:
        headers["Idempotency-Key"] = str(uuid.uuid4())
    # Any version; which one is the newest is soon another.
    if "If-Match" in headers:
        headers["If-Match"] = "*"
    # Of an object of any shape no schema can say that PostgreSQL stores no NUL in it.
    if isinstance(body, dict):
        whole = without_nul(body)
        body.clear()
        body.update(whole)
    # A time to come, in a leap year.
    if operation(case) == "createToken" and "expires_at" in body:
        body["expires_at"] = "2996" + body["expires_at"][4:]
    if operation(case) == "changePassword":
        body["current_password"] = password


@schemathesis.hook
def after_call(context, case, response):
    """Remembers the password."""
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
