"""Celery, the wake-ups: its settings, each with a reason. The queue itself is the database.

`firstread serve --only analysis` (or flags, delivery, housekeeping, retrieval, beat) starts one of
its processes.
"""

from __future__ import annotations

import ssl
from typing import Any

from celery import Celery
from celery.signals import setup_logging
from kombu import Queue
from kombu.exceptions import ChannelError, OperationalError

from radiology.errors import SettingsRefused
from settings.environment import Settings, read_settings
from settings.tls import ClientTls

ANALYSIS = "analysis"
DELIVERY = "delivery"
FLAGS = "flags"  # an urgent flag waits for no delivery, and no channel for another one
HOUSEKEEPING = "housekeeping"
RETRIEVAL = "retrieval"  # of earlier studies: no result ever waits behind a slow archive
QUEUES = (ANALYSIS, FLAGS, DELIVERY, HOUSEKEEPING, RETRIEVAL)

_ANALYSIS_HARD_LIMIT_S = 900
SWEEP_HARD_LIMIT_S = 60
"""A sweep that takes longer is broken off, and its process killed."""
LONGEST_READ_AHEAD_S = 60
"""Slices of studies that are still coming are read for so long at once."""
LONGEST_TURN_S = 300.0
"""A task that makes one attempt after the other ends after so long, and wakes the next one."""
BROKER_AWAY = (OperationalError, ChannelError, OSError)
"""What sending raises where there is no broker, or no folder for its messages."""
_FILES = "worker.message_files:Transport"
_FILESYSTEM_POLL_S = 0.1  # of a worker that is busy: one that waits is woken


def make_app(settings: Settings) -> Celery:
    """A Celery application for these settings: Redis where a broker is set, else files."""
    app = Celery("firstread")
    app.conf.update(
        broker_url=broker_address(settings),
        # Without it kombu takes whatever certificate a rediss:// server shows.
        broker_use_ssl=broker_tls_options(settings),
        # None: the one that the URL names.
        broker_transport=_FILES if settings.embedded else None,
        broker_transport_options=_transport_options(settings),
        # A broker that is not there yet is waited for: containers start in any order.
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # The row holds the result; a result backend would be a second truth.
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        # A message is only taken off the queue when its work is done: a worker that dies in the
        # middle leaves a wake-up behind. (The sweep covers transports that lose it.)
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        # A worker that holds messages it does not work on would wake nobody with them.
        worker_prefetch_multiplier=1,
        # Messages come over the network: nothing but JSON is ever unpacked.
        accept_content=["json"],
        task_serializer="json",
        # Limits per queue: a network send ends long before an analysis does.
        task_annotations={
            "worker.tasks.analyse_next": {
                "soft_time_limit": _ANALYSIS_HARD_LIMIT_S - 30,
                "time_limit": _ANALYSIS_HARD_LIMIT_S,
            },
            # It ends with an analysis, which has as much time as any.
            "worker.tasks.read_ahead": {
                "soft_time_limit": _ANALYSIS_HARD_LIMIT_S - 30 + LONGEST_READ_AHEAD_S,
                "time_limit": _ANALYSIS_HARD_LIMIT_S + LONGEST_READ_AHEAD_S,
            },
            # A turn, and then one attempt that may take as long again.
            "worker.tasks.deliver_next": {"soft_time_limit": 570, "time_limit": 600},
            "worker.tasks.retrieve_next": {"soft_time_limit": 570, "time_limit": 600},
            "worker.tasks.sweep": {
                "soft_time_limit": SWEEP_HARD_LIMIT_S - 5,
                "time_limit": SWEEP_HARD_LIMIT_S,
            },
        },
        task_queues=[Queue(name, routing_key=name) for name in QUEUES],
        task_default_queue=HOUSEKEEPING,
        task_routes={
            "worker.tasks.analyse_next": {"queue": ANALYSIS},
            "worker.tasks.read_ahead": {"queue": ANALYSIS},
            "worker.tasks.deliver_next": {"queue": DELIVERY},
            "worker.tasks.tell_next": {"queue": FLAGS},
            "worker.tasks.retrieve_next": {"queue": RETRIEVAL},
            "worker.tasks.sweep": {"queue": HOUSEKEEPING},
        },
        # Nobody asks our workers anything through the broker; the page asks the database.
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        # ONNX Runtime's arena never shrinks; a fresh process now and then gives memory back.
        worker_max_tasks_per_child=500,
        # Our own logging stays in place: Celery's would print task arguments. See also below.
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        enable_utc=True,
    )
    return app


def wake_up_waits(app: Celery, queue: str) -> bool:
    """Whether a wake-up lies in a queue already: while no worker takes it, more are of no use."""
    with app.connection_for_write() as connection:
        channel: Any = connection.default_channel  # its stub lacks the method
        return bool(channel.queue_declare(queue=queue).message_count)


@setup_logging.connect
def _leave_logging_alone(**_: Any) -> None:
    """Somebody takes care of logging already, so Celery adds no handlers with a form of its own."""


def broker_address(settings: Settings) -> str:
    """The address of the broker; of files where the size is embedded. Raises SettingsRefused."""
    if settings.broker_url is None:
        return "filesystem://localhost"  # nobody's name is asked for: kombu warns without one
    url = settings.broker_url.get_secret_value()
    if not url.startswith(("redis://", "rediss://")):
        raise SettingsRefused("broker_url must begin with redis:// or rediss://")
    return url


def broker_tls_options(settings: Settings) -> dict[str, Any] | None:
    """For redis-py; None where messages go in clear, or stay in files."""
    if not broker_address(settings).startswith("rediss://"):
        return None
    tls = settings.broker_tls or ClientTls()
    files = {
        "ssl_ca_certs": tls.ca_file,
        "ssl_certfile": tls.certificate_file,
        "ssl_keyfile": tls.key_file,
    }
    named = {name: str(file) for name, file in files.items() if file is not None}
    return {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True, **named}


def _transport_options(settings: Settings) -> dict[str, Any]:
    if settings.broker_url is not None:
        # Above the longest hard limit, or Redis would give a running task to a second worker.
        return {"visibility_timeout": _ANALYSIS_HARD_LIMIT_S + 300}
    messages = settings.broker_folder / "messages"
    control = settings.broker_folder / "control"
    for folder in (messages, control):
        folder.mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(messages),
        "data_folder_out": str(messages),
        "control_folder": str(control),
        "polling_interval": _FILESYSTEM_POLL_S,
    }


app = make_app(read_settings())
