# Settings of every user's server: /etc/jupyter/jupyter_server_config.py, where the Hub's spawner has
# `disable_user_config = True`. docs/howto/administrators.md says what each part is for.

import os

c = get_config()  # noqa: F821

# Research, or nothing of it in any page.
c.ResearchApp.enabled = True

# What may be read beside the user's own files, which models and online sources may be used, and whether
# anything may leave the machine at all.
c.ResearchApp.libraries = {"course": "/srv/course"}
c.ResearchApp.allowed_models = []
c.ResearchApp.online_sources = []
c.ResearchApp.local_only = True

# Places and time: for one server, and for each person where several share one.
c.ResearchApp.max_working_sessions = 4
c.ResearchApp.max_working_per_owner = 2
c.ResearchApp.max_queued_sessions = 50
c.ResearchApp.max_sockets_per_owner = 50
c.ResearchApp.max_session_seconds = 3600
c.ResearchApp.max_bytes_per_owner = 2 * 1024**3

# What is kept, and where: a local disk where homes are on a network, for each user who has a folder there.
c.ResearchApp.keep_days = 180
c.ResearchApp.keep_sessions = 200
local = os.path.join("/var/local/research", os.environ.get("JUPYTERHUB_USER", "all"))
if os.access(local, os.W_OK):
    c.ResearchApp.data_dir = os.path.join(local, os.environ.get("JUPYTERHUB_SERVER_NAME") or "default")

# One line of JSON for each change of a session's state, with its id and without its topic.
c.ServerApp.logging_config = {
    "formatters": {"research": {"()": "jupyter_research.logs.JsonLines"}},
    "handlers": {"research": {"class": "logging.StreamHandler", "formatter": "research"}},
    "loggers": {"jupyter_research": {"level": "INFO", "handlers": ["research"]}},
}
