#!/usr/bin/env python3
"""The official `anthropic` package against a running server.

    anthropic_client.py --url http://127.0.0.1:PORT --token TOKEN [--model NAME] [--no-tools] [--no-thinking]

Random weights say anything, so what is checked is the form: everything parses, orders and sums hold, what must be
followed (schemas, limits, forced tools) is followed. Exit status 1 when a check fails.
"""

import argparse
import asyncio
import json
import sys
import threading
import time
from typing import Literal

import anthropic
from anthropic import Anthropic, AsyncAnthropic
from pydantic import BaseModel

parser = argparse.ArgumentParser()
parser.add_argument("--url", required=True)
parser.add_argument("--token", required=True)
parser.add_argument("--model")
parser.add_argument("--no-tools", action="store_true", help="the model has no format for tools")
parser.add_argument("--no-thinking", action="store_true", help="the model does not think")
arguments = parser.parse_args()

client = Anthropic(base_url=arguments.url, api_key=arguments.token, max_retries=0, timeout=300)
model = arguments.model or client.models.list().data[0].id
checks = []

# The newest client has no arguments for these, the interface has the members.
GREEDY = {"temperature": 0}
WARM = {"temperature": 1}

WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string", "enum": ["Oslo", "Rome"]}, "days": {"type": "integer", "enum": [1, 2, 3]}},
        "required": ["city", "days"],
        "additionalProperties": False,
    },
    "strict": True,
    "cache_control": {"type": "ephemeral"},
}


def check(function):
    checks.append(function)
    return function


def prompt_tokens(usage):
    return usage.input_tokens + usage.cache_read_input_tokens + usage.cache_creation_input_tokens


def question(text="Say something."):
    return [{"role": "user", "content": text}]


def refused(kind, status, words, **members):
    request = {"model": model, "max_tokens": 8, "messages": question(), **members}
    try:
        client.messages.create(**request)
    except kind as error:
        assert error.status_code == status, error
        assert words in str(error.body["error"]["message"]), error.body
        assert error.body["type"] == "error" and error.request_id == error.body["request_id"]
        return
    raise AssertionError(f"not refused: {members}")


@check
def models():
    listed = [entry.id for entry in client.models.list()]
    assert model in listed
    one = client.models.retrieve(model)
    assert one.id == model and one.max_input_tokens > 0 and one.created_at.year > 2000
    try:
        client.models.retrieve("no-such-model")
        raise AssertionError("found")
    except anthropic.NotFoundError:
        pass


@check
def whole_message():
    message = client.messages.create(
        model=model, max_tokens=16, system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        messages=question(), extra_body=GREEDY, metadata={"user_id": "someone"})
    assert message.role == "assistant" and message.id.startswith("msg_") and message._request_id
    assert message.stop_reason in ("end_turn", "max_tokens"), message.stop_reason
    assert 0 < message.usage.output_tokens <= 16
    assert all(block.type == "text" for block in message.content)


@check
def greedy_answers_are_equal_streamed_and_whole():
    request = dict(model=model, max_tokens=24, messages=question("Count to five."), extra_body=GREEDY)
    whole = client.messages.create(**request)
    order = []
    with client.messages.stream(**request) as stream:
        for event in stream:
            order.append(event.type)
        final = stream.get_final_message()
    assert order[0] == "message_start" and order[-1] == "message_stop" and "message_delta" in order
    assert order.count("content_block_start") == order.count("content_block_stop") == len(final.content)
    assert [b.to_dict() for b in final.content] == [b.to_dict() for b in whole.content]
    assert final.stop_reason == whole.stop_reason
    assert prompt_tokens(final.usage) == prompt_tokens(whole.usage)
    assert final.usage.output_tokens == whole.usage.output_tokens


@check
def counted_tokens_are_those_of_the_answer():
    messages = question("How many tokens is this?")
    count = client.messages.count_tokens(model=model, system="Be brief.", messages=messages)
    message = client.messages.create(model=model, max_tokens=1, system="Be brief.", messages=messages)
    assert count.input_tokens == prompt_tokens(message.usage), (count, message.usage)


@check
def a_growing_conversation_is_reused():
    messages = question("Tell me a story. " * 40)
    first = client.messages.create(model=model, max_tokens=24, messages=messages, extra_body=GREEDY)
    text = "".join(block.text for block in first.content if block.type == "text") or "."
    messages += [{"role": "assistant", "content": text}, {"role": "user", "content": "Go on."}]
    second = client.messages.create(model=model, max_tokens=8, messages=messages, extra_body=GREEDY)
    assert second.usage.cache_read_input_tokens >= 0.9 * prompt_tokens(first.usage), second.usage
    assert second.to_dict()["maslin"]["reused_tokens"] == second.usage.cache_read_input_tokens


@check
def stop_sequences_stop():
    request = dict(model=model, max_tokens=32, messages=question(), extra_body=GREEDY)
    text = "".join(b.text for b in client.messages.create(**request).content if b.type == "text")
    if len(text) < 4:
        return
    word = text[2:4]
    message = client.messages.create(**request, stop_sequences=[word])
    assert message.stop_reason == "stop_sequence" and message.stop_sequence == word
    shorter = "".join(b.text for b in message.content if b.type == "text")
    assert shorter == text[: text.index(word)], (shorter, text)


@check
def an_answer_can_be_begun():
    messages = question("Yes or no?") + [{"role": "assistant", "content": "The answer is"}]
    message = client.messages.create(model=model, max_tokens=8, messages=messages)
    assert message.usage.output_tokens > 0
    closed = client.messages.count_tokens(model=model, messages=messages[:1]).input_tokens
    assert prompt_tokens(message.usage) > closed


@check
def structured_answers():
    class Verdict(BaseModel):
        safe: bool
        severity: Literal[1, 2, 3]

    message = client.messages.parse(
        model=model, max_tokens=400, messages=question("Is it safe?"), output_format=Verdict, extra_body=GREEDY)
    if message.stop_reason == "end_turn":
        assert isinstance(message.parsed_output, Verdict)
    schema = {"type": "object", "properties": {"kind": {"enum": ["a", "b"]}}, "required": ["kind"],
              "additionalProperties": False}
    message = client.messages.create(
        model=model, max_tokens=200, messages=question(), extra_body=WARM,
        output_config={"format": {"type": "json_schema", "schema": schema}})
    assert message.stop_reason == "end_turn", message
    assert json.loads(message.content[0].text)["kind"] in ("a", "b")


@check
def thinking():
    if arguments.no_thinking:
        return
    request = dict(model=model, max_tokens=64, extra_body=GREEDY, messages=question())
    message = client.messages.create(**request, thinking={"type": "enabled", "budget_tokens": 1024})
    blocks = [block for block in message.content if block.type == "thinking"]
    for block in blocks:
        assert block.signature and block.thinking
    if not blocks:
        return
    hidden = client.messages.create(**request, thinking={"type": "enabled", "budget_tokens": 1024, "display": "omitted"})
    first = hidden.content[0]
    assert first.type == "thinking" and first.thinking == "" and len(first.signature) > 20
    # Both come back; what the model reads is the same.
    counts = []
    for answer in (message, hidden):
        history = question() + [
            {"role": "assistant", "content": [b.to_dict() for b in answer.content] + [{"type": "text", "text": "x"}]},
            {"role": "user", "content": "Go on."}]
        counts.append(client.messages.count_tokens(
            model=model, messages=history, thinking={"type": "adaptive"}).input_tokens)
    assert counts[0] == counts[1], counts


@check
def an_agent_loop_with_forced_tools():
    if arguments.no_tools:
        return
    messages = question("What is the weather?")
    for turn in range(3):
        with client.messages.stream(
            model=model, max_tokens=400, messages=messages, tools=[WEATHER],
            tool_choice={"type": "any", "disable_parallel_tool_use": True}, extra_body=WARM,
        ) as stream:
            message = stream.get_final_message()
        assert message.stop_reason == "tool_use", message
        calls = [block for block in message.content if block.type == "tool_use"]
        assert len(calls) == 1 and calls[0].name == "get_weather" and calls[0].id.startswith("toolu_")
        assert calls[0].input["city"] in ("Oslo", "Rome") and isinstance(calls[0].input["days"], int)
        if turn > 0:
            assert message.usage.cache_read_input_tokens >= 0.9 * before, (message.usage, before)
        before = prompt_tokens(message.usage)
        messages = messages + [
            {"role": "assistant", "content": [block.to_dict() for block in message.content]},
            {"role": "user", "content": [{
                "type": "tool_result", "tool_use_id": calls[0].id, "is_error": turn == 1,
                "content": [{"type": "text", "text": f"{turn} degrees"}]}]}]
    last = client.messages.create(
        model=model, max_tokens=16, messages=messages, tools=[WEATHER], tool_choice={"type": "none"})
    assert all(block.type != "tool_use" for block in last.content)


@check
def the_clients_own_tool_loop_and_threads():
    if not arguments.no_tools:

        @anthropic.beta_tool
        def get_weather(city: Literal["Oslo", "Rome"]) -> str:
            """The weather of a city.

            Args:
                city: Which.
            """
            return f"{city}: rain"

        runner = client.beta.messages.tool_runner(
            model=model, max_tokens=400, tools=[get_weather], messages=question("Weather?"),
            tool_choice={"type": "any"}, max_iterations=4)
        replies = list(runner)
        assert len(replies) == 4 and all(reply.stop_reason == "tool_use" for reply in replies), replies
    thread = client.beta.messages.thread(model=model, max_tokens=8)
    for number in range(3):
        assert thread.send({"role": "user", "content": f"Question {number}."}).role == "assistant"
    assert len(thread.messages) == 6


@check
def asynchronous_streams():
    async def read():
        asynchronous = AsyncAnthropic(base_url=arguments.url, api_key=arguments.token, max_retries=0)
        async with asynchronous.messages.stream(model=model, max_tokens=8, messages=question()) as stream:
            text = "".join([piece async for piece in stream.text_stream])
            return text, await stream.get_final_message()

    text, message = asyncio.run(read())
    assert text == "".join(block.text for block in message.content if block.type == "text")


@check
def a_named_tool_is_called():
    if arguments.no_tools:
        return
    other = {"name": "other", "description": "Another.", "input_schema": {"type": "object", "properties": {}}}
    message = client.messages.create(
        model=model, max_tokens=400, messages=question(), tools=[other, WEATHER],
        tool_choice={"type": "tool", "name": "get_weather"}, extra_body=WARM)
    calls = [block for block in message.content if block.type == "tool_use"]
    assert calls and all(call.name == "get_weather" for call in calls), message


@check
def results_of_parallel_calls():
    if arguments.no_tools:
        return
    calls = [{"type": "tool_use", "id": f"toolu_made_{n}", "name": "get_weather",
              "input": {"city": "Oslo", "days": n}} for n in range(3)]
    results = [{"type": "tool_result", "tool_use_id": call["id"], "content": "rain"} for call in calls]
    message = client.messages.create(
        model=model, max_tokens=8, tools=[WEATHER],
        messages=question() + [{"role": "assistant", "content": calls}, {"role": "user", "content": results}])
    assert message.usage.output_tokens > 0
    refused(anthropic.BadRequestError, 400, "toolu_made_2", tools=[WEATHER],
            messages=question() + [{"role": "assistant", "content": calls}, {"role": "user", "content": results[:2]}])


@check
def beta_requests_as_claude_code_sends_them():
    message = client.beta.messages.create(
        model=model, max_tokens=8, betas=["interleaved-thinking-2025-05-14", "context-management-2025-06-27"],
        system=[{"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.0; cch=1;"},
                {"type": "text", "text": "You are an agent.", "cache_control": {"type": "ephemeral"}}],
        context_management={"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        messages=[{"role": "user", "content": [
            {"type": "text", "text": "<system-reminder>...</system-reminder>"},
            {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}]}])
    assert message.usage.output_tokens > 0


@check
def what_cannot_be_done_is_said():
    bad = anthropic.BadRequestError
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
    refused(bad, 400, "images are not supported", messages=[{"role": "user", "content": [image]}])
    refused(bad, 400, "messages[0].content[0]", messages=[{"role": "user", "content": [image]}])
    refused(bad, 400, "only custom tools", tools=[{"type": "web_search_20250305", "name": "web_search"}])
    refused(bad, 400, "temperature", extra_body={"temperature": 5})
    refused(bad, 400, "messages", messages=[])
    refused(anthropic.NotFoundError, 404, "no-such-model", model="no-such-model")
    limit = client.models.retrieve(model).max_input_tokens
    refused(bad, 400, "prompt is too long", messages=question("word " * (limit + 100)))


@check
def a_wrong_key_is_refused():
    stranger = Anthropic(base_url=arguments.url, api_key="wrong", max_retries=0)
    try:
        stranger.messages.create(model=model, max_tokens=1, messages=question())
        raise AssertionError("let in")
    except anthropic.AuthenticationError as error:
        assert error.body["error"]["type"] == "authentication_error", error.body


@check
def leaving_early_frees_the_server():
    for _ in range(4):
        with client.messages.stream(model=model, max_tokens=2000, messages=question("Write a book.")) as stream:
            for number, _ in enumerate(stream):
                if number == 3:
                    break
    begin = time.monotonic()
    client.messages.create(model=model, max_tokens=1, messages=question())
    assert time.monotonic() - begin < 60


@check
def several_at_once_equal_one_alone():
    requests = [dict(model=model, max_tokens=24, extra_body=GREEDY, messages=question(f"Number {n}?")) for n in range(4)]
    alone = [client.messages.create(**request).content for request in requests]
    together = [None] * len(requests)

    def ask(index):
        together[index] = client.messages.create(**requests[index]).content

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(len(requests))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert alone == together


failures = 0
for function in checks:
    begin = time.monotonic()
    try:
        function()
        print(f"ok    {function.__name__} ({time.monotonic() - begin:.1f} s)", flush=True)
    except Exception as error:  # every check is tried
        failures += 1
        print(f"FAIL  {function.__name__}: {type(error).__name__}: {error}", flush=True)
print(f"anthropic {anthropic.__version__}: {len(checks) - failures} of {len(checks)} checks hold")
sys.exit(1 if failures else 0)
