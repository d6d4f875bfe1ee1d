"""Chats through python-socketio as Debian packages it, over long polling alone.

    python3 polling.py URL

Without its websocket extra this client has no other transport, and it gives up on a polling answer of more than sixteen
packets. It exits with 0 if every answer came over the first connection.
"""

import json
import sys
import threading
import urllib.request
import uuid

import socketio

PATIENCE = 120  # seconds; spent only where the test fails
url = sys.argv[1]
me = str(uuid.uuid4())


def get(path):
    with urllib.request.urlopen(url + path) as response:
        return json.load(response)["data"]


agent = get("/api/agents")["agents"][0]["id"]
channel = get(f"/api/messaging/dm-channel?currentUserId={me}&targetUserId={agent}")["id"]

client = socketio.Client(reconnection=False)
seen = {"chunks": 0, "answers": []}
complete = threading.Event()
lost = threading.Event()


@client.on("messageStreamChunk")
def on_chunk(data):
    seen["chunks"] += 1


@client.on("messageBroadcast")
def on_message(data):
    if data["senderId"] == agent:
        seen["answers"].append(data["text"])


@client.on("messageComplete")
def on_complete(data):
    complete.set()


@client.event
def disconnect():
    lost.set()


def burst():
    """Asks for much at once, so that the server has far more to say than one polling answer may hold."""
    questions = 100
    acks = threading.Semaphore(0)
    for _ in range(questions):
        client.emit("join_channel", {"channelId": channel, "entityId": me}, callback=lambda *_: acks.release())
    for answered in range(questions):
        assert acks.acquire(timeout=PATIENCE), f"{answered} of {questions} acknowledged, {'the connection broke' if lost.is_set() else 'still connected'}"


try:
    client.connect(url, transports=["polling"], auth={"entityId": me})
    client.emit("join_channel", {"channelId": channel, "entityId": me})
    for text in ["Hello", "Who are you?", "What can you do?", "My mother never listens to me"]:
        before = len(seen["answers"])
        complete.clear()
        ack = client.call("send_message", {"channelId": channel, "senderId": me, "message": text}, timeout=PATIENCE)
        assert ack.get("success"), f"{text}: acknowledged with {ack}"
        assert complete.wait(PATIENCE), f"{text}: no messageComplete, {'the connection broke' if lost.is_set() else 'still connected'}"
        assert len(seen["answers"]) == before + 1, f"{text}: answers {seen['answers']}"
    burst()
    assert not lost.is_set(), "the connection broke"
finally:
    client.disconnect()  # or its threads keep the program from exiting
print(json.dumps({"answers": len(seen["answers"]), "chunks": seen["chunks"]}))
