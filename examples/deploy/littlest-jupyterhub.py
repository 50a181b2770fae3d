# For The Littlest JupyterHub: /opt/tljh/config/jupyterhub_config.d/research.py, then
#   sudo -E /opt/tljh/user/bin/pip install jupyter_research
#   sudo tljh-config set services.cull.timeout 3600
#   sudo tljh-config reload
# The servers tell the Hub every five minutes that sessions work; the culler's ten minutes leave one chance.
# Beside it belongs jupyter_server_config.py, at /etc/jupyter/jupyter_server_config.py.
# docs/howto/administrators.md says what each part is for.

c = get_config()  # noqa: F821

# What users write into their homes is not read: /etc/jupyter decides.
c.Spawner.disable_user_config = True

# Files are parsed one at a time where little memory is left of this, and by no more processes than this.
c.Spawner.mem_limit = "2G"
c.Spawner.cpu_limit = 2

# A shared server for a group, where several people work on one set of notebooks: each has their own
# sessions there. Create the user `tides-group` and let its members in.
c.JupyterHub.load_roles = [
    {
        "name": "tides-group-members",
        "description": "Work on the server of the group",
        "scopes": ["access:servers!user=tides-group"],
        "groups": ["tides"],
    }
]
c.JupyterHub.load_groups = {"tides": {"users": []}}
