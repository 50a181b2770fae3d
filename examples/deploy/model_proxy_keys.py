# For a JupyterHub whose users share a model behind a proxy: part of jupyterhub_config.py, or for The Littlest
# JupyterHub /opt/tljh/config/jupyterhub_config.d/model_proxy_keys.py. Each server that starts gets a key that
# spends its user's own budget at the proxy. A user can read that key, and spend that budget and no other.

import json
import os

from tornado.httpclient import AsyncHTTPClient, HTTPClientError

c = get_config()  # noqa: F821

PROXY = os.environ.get("MODEL_PROXY", "http://127.0.0.1:4000")


async def ask(path, wish):
    """Ask the proxy as its administrator."""
    headers = {
        "Authorization": f"Bearer {os.environ['LITELLM_MASTER_KEY']}",
        "Content-Type": "application/json",
    }
    answer = await AsyncHTTPClient().fetch(
        f"{PROXY}{path}", method="POST", headers=headers, body=json.dumps(wish)
    )
    return json.loads(answer.body)


async def give_key(spawner):
    """Give the user a budget, once, and the server that starts a key to spend it."""
    user = spawner.user.name
    budget = {"user_id": user, "max_budget": 5.0, "budget_duration": "30d", "auto_create_key": False}
    try:
        await ask("/user/new", budget)
    except HTTPClientError as error:
        if error.code not in (400, 409):
            raise
        # The user has one already: a restart of the server gives no second budget.
    key = await ask("/key/generate", {"user_id": user, "models": ["house"], "duration": "30d"})
    spawner.environment["OPENAI_API_KEY"] = key["key"]


c.Spawner.pre_spawn_hook = give_key
