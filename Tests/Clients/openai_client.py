#!/usr/bin/env python3
"""The official `openai` package against a running server.

    openai_client.py --url http://127.0.0.1:PORT --token TOKEN [--model NAME] [--only NAME]

Random weights say anything, so what is checked is the form and what must hold whatever is said: everything parses,
orders and sums hold, the same seed gives the same answer alone and among others, schemas, forced tools and limits are
followed, what cannot be done is refused with the right error. Exit status 1 when a check fails.
"""

import argparse
import asyncio
import json
import math
import sys
import time
import traceback
import urllib.error
import urllib.request
from importlib.metadata import version
from typing import Literal

import openai
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

parser = argparse.ArgumentParser()
parser.add_argument("--url", required=True)
parser.add_argument("--token", required=True)
parser.add_argument("--model")
parser.add_argument("--only", help="run only the checks whose names contain this")
arguments = parser.parse_args()

settings = dict(base_url=arguments.url + "/v1", api_key=arguments.token, max_retries=0, timeout=300)
client = OpenAI(**settings)
model = arguments.model or client.models.list().data[0].id
description = client.models.retrieve(model)
can_think = description.maslin["thinking"]
can_call = description.maslin["tools"]
checks = []

# Everything in these schemas is bounded, so that even random weights come to an end.
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather of a city.",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "enum": ["Oslo", "Rome"]},
                    "celsius": {"type": "boolean"},
                },
                "required": ["city", "celsius"],
                "additionalProperties": False,
            },
            "strict": True,
        },
    },
    {
        "type": "function",
        "function": {
            "name": "get_time",
            "description": "The time in a zone.",
            "parameters": {
                "type": "object",
                "properties": {"zone": {"type": "string", "enum": ["UTC", "CET"]}},
                "required": ["zone"],
                "additionalProperties": False,
            },
            "strict": True,
        },
    },
]


class Answer(BaseModel):
    verdict: Literal["yes", "no", "unknown"]
    is_certain: bool


class Skipped(Exception):
    pass


def check(function):
    checks.append(function)
    return function


def question(text="Say something about the sea."):
    return [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]


def ask(messages=None, thinks=False, **members):
    """A short answer without thoughts, unless they are asked for."""
    if can_think and not thinks:
        members.setdefault("reasoning_effort", "none")
    members.setdefault("max_tokens", 24)
    return client.chat.completions.create(model=model, messages=messages or question(), **members)


def refusal(kind, action):
    try:
        action()
    except kind as error:
        return error
    raise AssertionError(f"not refused with {kind.__name__}")


def sums(usage):
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens, usage
    assert 0 <= usage.prompt_tokens_details.cached_tokens <= usage.prompt_tokens, usage
    assert usage.completion_tokens_details.reasoning_tokens <= usage.completion_tokens, usage


def valid(call):
    """A call's arguments, which must follow the tool's schema."""
    values = json.loads(call.function.arguments)
    tool = next(t["function"] for t in TOOLS if t["function"]["name"] == call.function.name)
    properties = tool["parameters"]["properties"]
    assert set(values) == set(properties), values
    for name, value in values.items():
        if "enum" in properties[name]:
            assert value in properties[name]["enum"], values
        else:
            assert isinstance(value, bool), values
    return values


@check
def models():
    assert model in [entry.id for entry in client.models.list()]
    assert description.object == "model" and description.context_length > 0
    error = refusal(openai.NotFoundError, lambda: client.models.retrieve("no/such/model"))
    assert error.code == "model_not_found", error
    error = refusal(
        openai.NotFoundError,
        lambda: client.chat.completions.create(model="no-such-model", messages=question()))
    assert error.code == "model_not_found" and error.param == "model", error


@check
def a_whole_answer():
    answer = ask(max_tokens=8, seed=1)
    assert answer.object == "chat.completion" and answer.id.startswith("chatcmpl-")
    assert answer.system_fingerprint.startswith("fp_") and answer.model == model
    assert abs(answer.created - time.time()) < 600
    choice = answer.choices[0]
    assert choice.message.role == "assistant" and choice.finish_reason in ("length", "stop")
    assert answer.usage.completion_tokens <= 8
    sums(answer.usage)
    assert answer.maslin["stop_reason"] and "prefix_miss" in answer.maslin


@check
def a_stream():
    whole = ask(seed=5)
    chunks = list(ask(seed=5, stream=True, stream_options={"include_usage": True}))
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    assert all(chunk.choices[0].delta.role is None for chunk in chunks[1:-1])
    reasons = [chunk.choices[0].finish_reason for chunk in chunks[:-1]]
    assert reasons[-1] == whole.choices[0].finish_reason and not any(reasons[:-1]), reasons
    assert chunks[-1].choices == [] and all(chunk.usage is None for chunk in chunks[:-1])
    sums(chunks[-1].usage)
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1])
    assert text == whole.choices[0].message.content, (text, whole.choices[0].message.content)
    without = list(ask(seed=5, stream=True))
    assert all(chunk.usage is None and chunk.choices for chunk in without)


@check
def the_streaming_helper():
    extra = {"reasoning_effort": "none"} if can_think else {}
    with client.chat.completions.stream(
            model=model, messages=question(), max_tokens=16, seed=3, **extra) as stream:
        text = "".join(event.delta for event in stream if event.type == "content.delta")
        # The helper refuses to parse what ended for its length, as this does; what it put together is there.
        final = stream.current_completion_snapshot
    assert text == final.choices[0].message.content
    assert final.choices[0].finish_reason in ("stop", "length"), final


@check
def thoughts_are_apart():
    if not can_think:
        raise Skipped("the model does not think")
    answer = ask(thinks=True, reasoning_effort="high", max_tokens=40, seed=2)
    message = answer.choices[0].message
    if not getattr(message, "reasoning_content", None):
        raise Skipped("these weights did not begin with a thought, which is for this model to do")
    assert answer.usage.completion_tokens_details.reasoning_tokens > 0
    chunks = list(ask(thinks=True, reasoning_effort="high", max_tokens=40, seed=2, stream=True))
    streamed = "".join(
        getattr(chunk.choices[0].delta, "reasoning_content", None) or "" for chunk in chunks)
    assert streamed == message.reasoning_content
    without = ask(reasoning_effort="none", seed=2)
    assert without.usage.completion_tokens_details.reasoning_tokens == 0


@check
def seeds():
    texts = [ask(seed=seed, temperature=1).choices[0].message.content for seed in (7, 7, 8, 9)]
    assert texts[0] == texts[1]
    assert len(set(texts)) > 1, texts


@check
def several_choices():
    members = dict(temperature=1, max_tokens=12)
    alone = [ask(seed=20 + index, **members).choices[0].message.content for index in range(3)]
    together = ask(seed=20, n=3, **members)
    assert [choice.index for choice in together.choices] == [0, 1, 2]
    assert [choice.message.content for choice in together.choices] == alone
    sums(together.usage)
    streamed = ["", "", ""]
    ends = [0, 0, 0]
    for chunk in ask(seed=20, n=3, stream=True, **members):
        for choice in chunk.choices:
            streamed[choice.index] += choice.delta.content or ""
            ends[choice.index] += choice.finish_reason is not None
    assert streamed == alone and ends == [1, 1, 1]


@check
def stop_texts():
    text = ask(seed=11, max_tokens=40).choices[0].message.content
    stop = text[len(text) // 2:][:3]
    if not stop:
        raise Skipped("the model said nothing")
    for members in ({"stop": stop}, {"stop": ["never to be seen", stop]}):
        answer = ask(seed=11, max_tokens=40, **members)
        assert answer.choices[0].finish_reason == "stop"
        assert answer.choices[0].message.content == text[:text.index(stop)]
        assert answer.maslin["stop_reason"] == "stop_text"


@check
def probabilities():
    answer = ask(logprobs=True, top_logprobs=4, temperature=0, max_tokens=10)
    entries = answer.choices[0].logprobs.content
    assert b"".join(bytes(entry.bytes) for entry in entries).decode(errors="replace").startswith(
        answer.choices[0].message.content)
    for entry in entries:
        assert entry.logprob <= 0 and len(entry.top_logprobs) == 4
        order = [other.logprob for other in entry.top_logprobs]
        assert order == sorted(order, reverse=True) and entry.logprob == order[0]
        assert sum(math.exp(value) for value in order) <= 1.001
    streamed = []
    for chunk in ask(logprobs=True, top_logprobs=4, temperature=0, max_tokens=10, stream=True):
        if chunk.choices[0].logprobs:
            streamed += chunk.choices[0].logprobs.content
    assert streamed == entries


@check
def biases():
    tokens = tokenize(" sea")
    answer = ask(logit_bias={str(tokens[0]): 100}, temperature=0, max_tokens=3, logprobs=True)
    entries = answer.choices[0].logprobs.content
    assert len({entry.token for entry in entries}) == 1, entries


def tokenize(text):
    request = urllib.request.Request(
        arguments.url + "/tokenize", json.dumps({"content": text}).encode(),
        {"authorization": "Bearer " + arguments.token, "content-type": "application/json"})
    return json.load(urllib.request.urlopen(request))["tokens"]


def collect(stream):
    """The message that a stream's pieces make."""
    calls, content, reason = {}, "", None
    for chunk in stream:
        for choice in chunk.choices:
            content += choice.delta.content or ""
            reason = choice.finish_reason or reason
            for piece in choice.delta.tool_calls or []:
                call = calls.setdefault(
                    piece.index, {"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
                call["id"] += piece.id or ""
                call["function"]["name"] += piece.function.name or ""
                call["function"]["arguments"] += piece.function.arguments or ""
    assert sorted(calls) == list(range(len(calls)))
    message = {"role": "assistant", "content": content or None}
    if calls:
        message["tool_calls"] = [calls[index] for index in sorted(calls)]
    return message, reason


@check
def an_agent_with_tools():
    if not can_call:
        raise Skipped("the model has no format for tools")
    messages = question("What is the weather in Oslo, and what time is it?")
    ids = set()
    for turn in range(4):
        # Random weights may go on calling for ever where they may call several tools.
        members = dict(tools=TOOLS, tool_choice="required", max_tokens=300, seed=30 + turn,
                       parallel_tool_calls=turn == 3)
        if turn % 2:
            message, reason = collect(ask(messages, stream=True, **members))
        else:
            choice = ask(messages, **members).choices[0]
            message, reason = choice.message.model_dump(exclude_none=True), choice.finish_reason
        assert reason == "tool_calls" or reason == "length" and turn == 3, (reason, message)
        messages.append(message)
        for call in message.get("tool_calls") or []:
            values = valid(openai.types.chat.ChatCompletionMessageToolCall.model_validate(call))
            assert call["id"] not in ids
            ids.add(call["id"])
            # As many clients do, written anew with other spacing.
            call["function"]["arguments"] = json.dumps(values, indent=1)
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": "12"})
    last = ask(messages, tools=TOOLS, tool_choice="none", max_tokens=16)
    assert not last.choices[0].message.tool_calls and last.choices[0].finish_reason != "tool_calls"
    sums(last.usage)


@check
def which_tools():
    if not can_call:
        raise Skipped("the model has no format for tools")
    members = dict(tools=TOOLS, max_tokens=300)
    for seed in range(40, 44):
        single = ask(seed=seed, tool_choice="required", parallel_tool_calls=False, **members)
        assert len(single.choices[0].message.tool_calls) == 1
        named = ask(
            seed=seed, tool_choice={"type": "function", "function": {"name": "get_time"}}, **members)
        assert {call.function.name for call in named.choices[0].message.tool_calls} == {"get_time"}
        parallel = ask(seed=seed, tool_choice="required", parallel_tool_calls=True, **members)
        for call in parallel.choices[0].message.tool_calls:
            valid(call)
    error = refusal(
        openai.BadRequestError,
        lambda: ask(tools=TOOLS, tool_choice={"type": "function", "function": {"name": "nothing"}}))
    assert error.param == "tool_choice.function.name", error


@check
def schemas():
    extra = {"reasoning_effort": "none"} if can_think else {}
    for seed in range(50, 53):
        parsed = client.chat.completions.parse(
            model=model, messages=question("Is the sea deep?"), response_format=Answer, seed=seed,
            max_tokens=200, **extra)
        assert isinstance(parsed.choices[0].message.parsed, Answer)
    with client.chat.completions.stream(
            model=model, messages=question(), response_format=Answer, max_tokens=200, **extra) as stream:
        final = stream.get_final_completion()
    assert isinstance(final.choices[0].message.parsed, Answer)
    for member, pattern in (("guided_regex", "[ab]{3}"), ("grammar", 'root ::= [ab] [ab] [ab]')):
        text = ask(extra_body={member: pattern}).choices[0].message.content
        assert len(text) == 3 and set(text) <= {"a", "b"}, text
    text = ask(extra_body={"guided_choice": ["left", "right"]}).choices[0].message.content
    assert text in ("left", "right"), text


@check
def responses():
    extra = {"reasoning": {"effort": "none"}} if can_think else {}
    first = client.responses.create(
        model=model, input="Say something.", instructions="Be brief.", max_output_tokens=16,
        metadata={"a": "b"}, **extra)
    assert first.object == "response" and first.id.startswith("resp_") and first.metadata == {"a": "b"}
    assert first.status in ("completed", "incomplete")
    assert first.usage.total_tokens == first.usage.input_tokens + first.usage.output_tokens
    again = client.responses.retrieve(first.id)
    assert again.output_text == first.output_text
    items = client.responses.input_items.list(first.id)
    assert items.data[0].content[0].text == "Say something."

    second = client.responses.create(
        model=model, input="Say more.", previous_response_id=first.id, max_output_tokens=16, **extra)
    assert second.previous_response_id == first.id
    assert second.usage.input_tokens > first.usage.input_tokens

    with client.responses.stream(
            model=model, input="Go on.", previous_response_id=second.id, max_output_tokens=24, **extra) as stream:
        events = list(stream)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[0].type == "response.created" and events[1].type == "response.in_progress"
    assert events[-1].type in ("response.completed", "response.incomplete")
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == events[-1].response.output_text
    if events[-1].type == "response.incomplete":
        assert events[-1].response.incomplete_details.reason == "max_output_tokens"

    parsed = client.responses.parse(
        model=model, input="Is the sea deep?", text_format=Answer, max_output_tokens=200, **extra)
    assert isinstance(parsed.output_parsed, Answer)

    client.responses.delete(first.id)
    refusal(openai.NotFoundError, lambda: client.responses.retrieve(first.id))
    error = refusal(
        openai.BadRequestError,
        lambda: client.responses.create(model=model, input="x", previous_response_id=first.id))
    assert error.code == "previous_response_not_found", error
    unkept = client.responses.create(model=model, input="x", store=False, max_output_tokens=4, **extra)
    refusal(openai.NotFoundError, lambda: client.responses.retrieve(unkept.id))
    count = client.responses.input_tokens.count(model=model, input="x")
    assert count.input_tokens > 0


@check
def responses_with_tools():
    if not can_call:
        raise Skipped("the model has no format for tools")
    extra = {"reasoning": {"effort": "none"}} if can_think else {}
    tools = [{"type": "function", **tool["function"]} for tool in TOOLS] + [{"type": "web_search"}]
    response = client.responses.create(
        model=model, input="What time is it?", tools=tools, tool_choice="required", **extra)
    assert response.maslin["omitted_tools"] == ["web_search"]
    for turn in range(2):
        calls = [item for item in response.output if item.type == "function_call"]
        assert calls
        results = [
            {"type": "function_call_output", "call_id": call.call_id, "output": "12:00"} for call in calls]
        with client.responses.stream(
                model=model, input=results, previous_response_id=response.id, tools=tools,
                tool_choice="required" if turn == 0 else "none", max_output_tokens=300, **extra) as stream:
            for event in stream:
                if event.type == "response.function_call_arguments.done":
                    json.loads(event.arguments)
                last = event
        response = last.response
    assert not [item for item in response.output if item.type == "function_call"]


@check
def completions():
    answer = client.completions.create(model=model, prompt="Once upon", max_tokens=8, seed=1, echo=True)
    assert answer.object == "text_completion" and answer.choices[0].text.startswith("Once upon")
    plain = client.completions.create(model=model, prompt="Once upon", max_tokens=8, seed=1, logprobs=2)
    assert answer.choices[0].text == "Once upon" + plain.choices[0].text
    logprobs = plain.choices[0].logprobs
    assert len(logprobs.tokens) == len(logprobs.token_logprobs) == len(logprobs.text_offset)
    several = client.completions.create(model=model, prompt=["a", "b"], n=2, max_tokens=4, seed=1)
    assert [choice.index for choice in several.choices] == [0, 1, 2, 3]
    chunks = list(client.completions.create(
        model=model, prompt="Once upon", max_tokens=8, seed=1, stream=True,
        stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].text for chunk in chunks[:-1]) == plain.choices[0].text
    assert chunks[-1].usage.completion_tokens == plain.usage.completion_tokens
    tokens = tokenize("Once upon")
    assert client.completions.create(model=model, prompt=tokens, max_tokens=4).choices[0].text is not None
    error = refusal(
        openai.BadRequestError,
        lambda: client.completions.create(model=model, prompt="a", suffix="b"))
    assert error.param == "suffix", error


@check
def embeddings():
    try:
        # The package asks for base64 by itself and unpacks it.
        result = client.embeddings.create(model=model, input=["the sea", "the land"])
    except openai.BadRequestError as error:
        assert not description.maslin["embeddings"], error
        assert error.type == "invalid_request_error" and "embed" in error.message.lower(), error
        return
    assert [entry.index for entry in result.data] == [0, 1]
    for entry in result.data:
        assert abs(math.sqrt(sum(value * value for value in entry.embedding)) - 1) < 1e-3
    floats = client.embeddings.create(model=model, input="the sea", encoding_format="float")
    assert all(abs(a - b) < 1e-6 for a, b in zip(floats.data[0].embedding, result.data[0].embedding))
    size = len(floats.data[0].embedding)
    error = refusal(
        openai.BadRequestError,
        lambda: client.embeddings.create(model=model, input="x", dimensions=size + 1))
    assert error.param == "dimensions", error


@check
def refusals():
    pixel = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    error = refusal(
        openai.BadRequestError,
        lambda: ask([{"role": "user", "content": [{"type": "text", "text": "see"}, pixel]}]))
    assert error.type == "invalid_request_error" and error.param == "messages[0].content[1]", error
    assert "image" in error.message
    error = refusal(
        openai.BadRequestError,
        lambda: client.responses.create(model=model, input=[
            {"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"}]}]))
    assert error.param == "input[0].content[0]", error
    error = refusal(openai.BadRequestError, lambda: ask(temperature=5))
    assert error.param == "temperature", error
    for key in ("wrong", ""):
        stranger = OpenAI(**{**settings, "api_key": key or "-"})
        error = refusal(openai.AuthenticationError, lambda: stranger.models.list())
        assert error.code == "invalid_api_key" and error.status_code == 401, error
        refusal(
            openai.AuthenticationError,
            lambda: stranger.chat.completions.create(model=model, messages=question()))
    request = urllib.request.Request(
        arguments.url + "/v1/chat/completions", b'{"messages": [',
        {"authorization": "Bearer " + arguments.token, "content-type": "application/json"})
    try:
        urllib.request.urlopen(request)
        raise AssertionError("a damaged body was taken")
    except urllib.error.HTTPError as error:
        assert error.code == 400 and "line 1" in json.load(error)["error"]["message"]


@check
def too_long():
    limit = description.context_length
    if limit > 40000:
        raise Skipped(f"the context holds {limit} tokens")
    error = refusal(openai.BadRequestError, lambda: ask(question("word " * (limit + 100))))
    assert error.code == "context_length_exceeded", error
    assert "maximum context length" in error.message


@check
def many_at_once():
    """Eight streams at once, some of which hang up: those that stay get what they get alone."""
    prompts = [f"Tell me about number {index}." for index in range(8)]
    extra = {"reasoning_effort": "none"} if can_think else {}
    members = dict(model=model, seed=60, temperature=1, max_tokens=32, **extra)
    alone = [
        client.chat.completions.create(messages=question(prompt), **members).choices[0].message.content
        for prompt in prompts]

    async def one(asynchronous, index, leaves):
        stream = await asynchronous.chat.completions.create(
            messages=question(prompts[index]), stream=True, **members)
        text = ""
        async for chunk in stream:
            text += chunk.choices[0].delta.content or ""
            if leaves and text:
                await stream.close()
                break
        return text

    async def everyone():
        async with AsyncOpenAI(**settings) as asynchronous:
            for round in range(3):
                leaving = {index for index in range(8) if (index + round) % 3 == 0}
                texts = await asyncio.gather(
                    *(one(asynchronous, index, index in leaving) for index in range(8)))
                for index, text in enumerate(texts):
                    if index in leaving:
                        assert alone[index].startswith(text)
                    else:
                        assert text == alone[index], (index, text, alone[index])

    asyncio.run(everyone())


@check
def a_growing_conversation():
    """What an agent sends again is not computed again."""
    rules = " ".join(f"Rule {number}: keep file {number * 7 % 31} as it is." for number in range(60))
    messages = [{"role": "system", "content": rules}]
    known, reused, last = 0, 0, None
    for turn in range(10):
        messages.append({"role": "user", "content": f"Step {turn}?"})
        answer = ask(messages, max_tokens=12, seed=turn)
        usage = answer.usage
        if last:
            # All of the last prompt could be known.
            known += last.prompt_tokens
            reused += min(usage.prompt_tokens_details.cached_tokens, last.prompt_tokens)
        last = usage
        messages.append({"role": "assistant", "content": answer.choices[0].message.content})
    assert reused / known > 0.95, (reused, known, answer.maslin)
    share = last.prompt_tokens_details.cached_tokens / last.prompt_tokens
    assert share > 0.95, (share, answer.maslin)
    print(f"    {reused / known:.1%} of the earlier prompts, {share:.1%} of the last prompt reused")


def main():
    print(f"openai {version('openai')}, {model}: thinking {can_think}, tools {can_call}")
    failed = []
    for function in checks:
        if arguments.only and arguments.only not in function.__name__:
            continue
        start = time.time()
        try:
            function()
            print(f"  ok      {function.__name__} ({time.time() - start:.1f} s)", flush=True)
        except Skipped as reason:
            print(f"  skipped {function.__name__}: {reason}", flush=True)
        except Exception:
            failed.append(function.__name__)
            print(f"  FAILED  {function.__name__}", flush=True)
            traceback.print_exc()
    if failed:
        print(f"{len(failed)} of {len(checks)} checks failed: {', '.join(failed)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
