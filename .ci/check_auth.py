"""Start a server that lets nobody in unknown, with this extension alone: fail on a handler left open."""

from __future__ import annotations

import os
import tempfile
import warnings

from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import JupyterServerAuthWarning

os.environ["JUPYTER_CONFIG_DIR"] = tempfile.mkdtemp()
warnings.simplefilter("error", JupyterServerAuthWarning)
app = ServerApp(
    allow_unauthenticated_access=False, jpserver_extensions={"jupyter_research": True},
    reraise_server_extension_failures=True, open_browser=False, allow_root=True, port=0,
)  # fmt: skip
app.initialize(argv=[], new_httpserver=False)
routes = [rule for rule in app.web_app.wildcard_router.rules if "research/api" in rule.matcher.regex.pattern]
assert len(routes) > 10, "The extension has no routes: it is not enabled."
print(f"{len(routes)} routes of jupyter_research ask who calls.")
