#!/usr/bin/env python3
"""The official `ollama` package against a running server.

    ollama_client.py --url http://127.0.0.1:PORT --token TOKEN [--model NAME] [--no-tools] [--no-thinking]

Random weights say anything, so what is checked is the form: everything parses, orders and sums hold, what must be
followed (schemas, limits) is followed. Exit status 1 when a check fails.
"""

import argparse
import json
import sys
import time
from importlib.metadata import version

import ollama

parser = argparse.ArgumentParser()
parser.add_argument("--url", required=True)
parser.add_argument("--token", required=True)
parser.add_argument("--model")
parser.add_argument("--no-tools", action="store_true", help="the model has no format for tools")
parser.add_argument("--no-thinking", action="store_true", help="the model does not think")
arguments = parser.parse_args()

client = ollama.Client(host=arguments.url, headers={"authorization": f"Bearer {arguments.token}"}, timeout=300)
model = arguments.model or client.list().models[0].model
checks = []


def check(function):
    checks.append(function)
    return function


def question(text="Say something."):
    return [{"role": "user", "content": text}]


def short(**options):
    return {"num_predict": 16, "temperature": 0, **options}


def refused(status, words, action):
    try:
        action()
    except ollama.ResponseError as error:
        assert error.status_code == status, error
        assert words in error.error, error
        return
    raise AssertionError(f"not refused: {words}")


@check
def models():
    entry = next(entry for entry in client.list().models if entry.model == model)
    assert entry.size > 0 and entry.modified_at.year > 2000 and entry.details.format == "gguf"
    shown = client.show(model)
    assert "completion" in shown.capabilities
    architecture = shown.modelinfo["general.architecture"]
    assert shown.modelinfo[f"{architecture}.context_length"] > 0
    running = next(entry for entry in client.ps().models if entry.model == model)
    assert running.expires_at.year > 2100
    refused(404, "not found", lambda: client.show("no-such-model"))


@check
def chat_streamed_and_whole_are_equal():
    whole = client.chat(model, question(), options=short(), think=False)
    assert whole.done and whole.done_reason in ("stop", "length") and whole.message.role == "assistant"
    assert 0 < whole.eval_count <= 16 and whole.prompt_eval_count > 0
    assert whole.total_duration >= whole.prompt_eval_duration + whole.eval_duration
    parts = list(client.chat(model, question(), options=short(), think=False, stream=True))
    assert all(not part.done for part in parts[:-1]) and parts[-1].done
    assert "".join(part.message.content for part in parts) == whole.message.content
    assert parts[-1].eval_count == whole.eval_count


@check
def names_may_end_in_latest():
    assert client.chat(f"{model}:latest", question(), options=short()).done


@check
def generate_streamed_and_whole_are_equal():
    whole = client.generate(model, "Once upon a time", options=short(), think=False)
    parts = list(client.generate(model, "Once upon a time", options=short(), think=False, stream=True))
    assert "".join(part.response for part in parts) == whole.response
    raw = client.generate(model, "Once upon a time", raw=True, options=short())
    assert raw.prompt_eval_count < whole.prompt_eval_count


@check
def empty_prompts_load():
    assert client.generate(model).done_reason == "load"
    assert client.chat(model, []).done_reason == "load"
    assert client.generate(model, keep_alive=0).done_reason == "unload"
    assert client.chat(model, question(), options=short(), keep_alive="5m").done


@check
def the_same_seed_says_the_same():
    options = {"num_predict": 16, "temperature": 1, "seed": 7, "top_k": 40, "top_p": 0.9, "min_p": 0.01,
               "repeat_penalty": 1.1, "repeat_last_n": 32, "num_ctx": 64, "num_thread": 2}
    first, second = (client.chat(model, question(), options=options).message for _ in range(2))
    assert first == second


@check
def stop_texts_stop():
    text = client.chat(model, question(), options=short(), think=False).message.content
    if len(text) < 4:
        return
    answer = client.chat(model, question(), options=short(stop=[text[2:4]]), think=False)
    assert answer.done_reason == "stop" and answer.message.content == text[: text.index(text[2:4])]


@check
def formats_are_followed():
    schema = {"type": "object", "properties": {"kind": {"enum": ["a", "b"]}}, "required": ["kind"],
              "additionalProperties": False}
    options = {"num_predict": 200, "temperature": 1}
    answer = client.chat(model, question(), format=schema, options=options, think=False)
    assert json.loads(answer.message.content)["kind"] in ("a", "b")
    free = client.generate(model, "An object, please.", format="json", options={"num_predict": 400}, think=False)
    if free.done_reason == "stop":
        assert isinstance(json.loads(free.response), dict)


@check
def thinking():
    if arguments.no_thinking:
        return
    answer = client.chat(model, question(), think=True, options={"num_predict": 64, "temperature": 0})
    # Where the model itself has to begin its thoughts, random weights do not.
    assert answer.message.thinking or answer.message.content or answer.done_reason == "stop"
    parts = list(client.chat(model, question(), think="high", stream=True, options={"num_predict": 32}))
    assert parts[-1].done


@check
def tools():
    if arguments.no_tools:
        return

    def add(a: int, b: int) -> int:
        """Adds.

        Args:
          a: one number
          b: another
        """
        return a + b

    answer = client.chat(model, question("2 + 3?"), tools=[add], options=short())
    for call in answer.message.tool_calls or []:
        assert call.function.name == "add" and isinstance(call.function.arguments, dict)
    history = question("2 + 3?") + [
        {"role": "assistant", "content": "", "tool_calls": [
            {"function": {"name": "add", "arguments": {"a": 2, "b": 3}}},
            {"function": {"name": "add", "arguments": {"a": 0, "b": 0}}}]},
        {"role": "tool", "tool_name": "add", "content": "5"},
        {"role": "tool", "tool_name": "add", "content": "0"}]
    assert client.chat(model, history, tools=[add], options=short()).eval_count > 0


@check
def probabilities():
    answer = client.chat(model, question(), options=short(), logprobs=True, top_logprobs=3, think=False)
    assert answer.logprobs and all(len(entry.top_logprobs) == 3 for entry in answer.logprobs)
    assert all(entry.logprob <= 0 for entry in answer.logprobs)


@check
def vectors_or_a_clear_refusal():
    if "embedding" in client.show(model).capabilities:
        answer = client.embed(model, ["one", "two"])
        assert len(answer.embeddings) == 2
        assert all(abs(sum(x * x for x in vector) - 1) < 1e-3 for vector in answer.embeddings)
        single = client.embeddings(model, "one").embedding
        assert max(abs(a - b) for a, b in zip(single, answer.embeddings[0])) < 1e-5
    else:
        refused(400, "", lambda: client.embed(model, "one"))


@check
def what_cannot_be_done_is_said():
    refused(400, "images are not supported",
            lambda: client.chat(model, [{"role": "user", "content": "?", "images": ["aGk="]}]))
    refused(400, "num_ctx", lambda: client.chat(model, question(), options={"num_ctx": 1 << 30}))
    refused(400, "context", lambda: client.generate(model, "x", context=[1, 2]))
    refused(400, "template", lambda: client.generate(model, "x", template="{{ .Prompt }}"))
    refused(404, "not found", lambda: client.chat("no-such-model", question()))
    refused(404, "not found", lambda: list(client.chat("no-such-model", question(), stream=True)))
    refused(501, "cannot be pulled", lambda: client.pull("llama3"))
    refused(501, "cannot be pushed", lambda: client.push("llama3"))
    refused(501, "cannot be created", lambda: client.create("x", from_=model))
    refused(501, "cannot be copied", lambda: client.copy(model, "x"))
    refused(501, "cannot be deleted", lambda: client.delete(model))


@check
def a_wrong_key_is_refused():
    stranger = ollama.Client(host=arguments.url, headers={"authorization": "Bearer wrong"})
    refused(401, "", lambda: stranger.chat(model, question()))
    refused(401, "", lambda: stranger.list())


@check
def leaving_early_frees_the_server():
    for _ in range(4):
        for number, _ in enumerate(client.chat(model, question(), stream=True, options={"num_predict": 2000})):
            if number == 3:
                break
    begin = time.monotonic()
    client.chat(model, question(), options={"num_predict": 1})
    assert time.monotonic() - begin < 60


failures = 0
for function in checks:
    begin = time.monotonic()
    try:
        function()
        print(f"ok    {function.__name__} ({time.monotonic() - begin:.1f} s)", flush=True)
    except Exception as error:  # every check is tried
        failures += 1
        print(f"FAIL  {function.__name__}: {type(error).__name__}: {error}", flush=True)
print(f"ollama {version('ollama')}: {len(checks) - failures} of {len(checks)} checks hold")
sys.exit(1 if failures else 0)
