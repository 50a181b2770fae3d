"""Start a server that lets nobody in unknown, with this extension alone: fail on a handler left open."""

from __future__ import annotations

import os
import tempfile
import warnings

from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import JupyterServerAuthWarning

# Other extensions of the environment are theirs to check.
os.environ.update(JUPYTER_CONFIG_DIR=tempfile.mkdtemp(), JUPYTER_NO_CONFIG="1")
warnings.simplefilter("error", JupyterServerAuthWarning)
app = ServerApp(
    allow_unauthenticated_access=False, jpserver_extensions={"jupyter_research": True},
    reraise_server_extension_failures=True, open_browser=False, allow_root=True, port=0,
)  # fmt: skip
app.initialize(argv=[], new_httpserver=False)
[extension] = app.extension_manager.extension_apps["jupyter_research"]
print(f"{len(extension.handlers)} routes of jupyter_research ask who calls.")
