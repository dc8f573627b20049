"""Tell whoever a cohort's ``schedule.notify`` names that a run failed or crashed."""

import inspect
import os
from pathlib import Path
from typing import Any

import httpx
from apprise import Apprise
from prefect import Flow
from prefect.blocks.abstract import NotificationBlock
from prefect.blocks.core import Block
from prefect.client.schemas.objects import FlowRun, State
from prefect.utilities.asyncutils import run_coro_as_sync

from recondense.errors import InputError
from recondense.stages.params import section
from recondense.unattended.params import Params


def tell(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """A Prefect hook: send the run's state and its reason, which hold no patient's values."""
    cohort, root = str(flow_run.parameters["cohort"]), Path(flow_run.parameters.get("root", ".")).resolve()
    receiver = section(root, cohort, "schedule", Params).notify
    if receiver:
        body = f"{state.message or ''}\nflow run {flow_run.name} ({flow_run.id})"
        send(receiver, f"recondense {cohort}: {state.name}", body)


def send(receiver: str, subject: str, body: str) -> None:
    """To a Prefect notification block, or to the URL in an environment variable.

    A webhook (``https://...``) gets ``{"text": ...}``; any other URL is Apprise's, as ``mailto://...`` for e-mail:
    https://github.com/caronc/apprise. Raises `InputError`, without the URL: whoever has it can post there.
    """
    if "/" in receiver:
        try:
            block = Block.load(receiver)
        except ValueError:  # Prefect's message repeats the name, and it alone
            raise InputError(f"schedule.notify: Prefect's server has no block {receiver}: make it there") from None
        if not isinstance(block, NotificationBlock):
            raise InputError(f"schedule.notify: the Prefect block {receiver} sends no notifications")
        told: Any = block.notify(body, subject=subject)
        if inspect.iscoroutine(told):
            run_coro_as_sync(told)
        return
    check_receiver(receiver)
    url = os.environ[receiver]
    if not url.startswith(("http://", "https://")):
        client = Apprise()
        if not (client.add(url) and client.notify(body, title=subject)):
            raise InputError(f"the receiver in ${receiver} could not be told: is it a URL, and does its server answer?")
        return
    try:
        httpx.post(url, json={"text": f"{subject}\n{body}"}, timeout=30).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        answer = getattr(getattr(error, "response", None), "status_code", type(error).__name__)
        raise InputError(f"the webhook in ${receiver} could not be told: {answer}") from None


def check_receiver(receiver: str | None) -> None:
    """Raise `InputError` where ``receiver`` is an environment variable that is not set."""
    if receiver and "/" not in receiver and not os.environ.get(receiver):
        raise InputError(f"schedule.notify names the environment variable {receiver}, which is not set here")
