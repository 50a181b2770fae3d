# For a JupyterHub whose users share a model behind a proxy: part of jupyterhub_config.py, or for The Littlest
# JupyterHub /opt/tljh/config/jupyterhub_config.d/model_proxy_keys.py. Each user's server gets a key of the
# proxy's with a budget of its own. A user can read that key, and spend that budget and no other.

import json
import os

from tornado.httpclient import AsyncHTTPClient

c = get_config()  # noqa: F821

PROXY = os.environ.get("MODEL_PROXY", "http://127.0.0.1:4000")


async def give_key(spawner):
    """Make a key for the user of a server that starts; the one before it ends by itself."""
    wish = {
        "user_id": spawner.user.name,
        "models": ["house"],
        "max_budget": 5.0,
        "budget_duration": "30d",
        "duration": "30d",
    }
    answer = await AsyncHTTPClient().fetch(
        f"{PROXY}/key/generate",
        method="POST",
        headers={
            "Authorization": f"Bearer {os.environ['LITELLM_MASTER_KEY']}",
            "Content-Type": "application/json",
        },
        body=json.dumps(wish),
    )
    spawner.environment["OPENAI_API_KEY"] = json.loads(answer.body)["key"]


c.Spawner.pre_spawn_hook = give_key
