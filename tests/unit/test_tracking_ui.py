"""The page of the tracking store: whom it is served to, and what it links to."""

import socket

import pytest

from mint_lightning.errors import UserError
from mint_lightning.tracking.store import open_store
from mint_lightning.tracking.ui import links, serve, ui_command, ui_environment
from mint_lightning.tracking.view import set_views

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("no_tracking_uri")]


def test_the_page_is_served_to_this_machine_alone_and_links_to_the_view(store_root):
    store = open_store(store_root)
    command = ui_command(5123)
    assert not [word for word in command if store.uri in word]  # it may hold a password
    assert ui_environment(store)["MLFLOW_BACKEND_STORE_URI"] == store.uri
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert links(store, 5123) == []
    set_views(store.client, store.experiment("faces"))
    layers, cells = links(store, 5123)
    assert layers.startswith("faces, Layers: http://127.0.0.1:5123/#/experiments/1/runs?")
    assert "viewStateShareKey=layers" in layers
    assert "viewStateShareKey=cells" in cells


def test_a_port_in_use_is_one_sentence(store_root):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UserError, match="is in use"):
            serve(store_root, taken.getsockname()[1])
