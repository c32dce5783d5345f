#!/usr/bin/env python3
"""Concurrent agents against one server, with people who hang up, slow readers and kill -9.

Every answer is compared with the one the same conversation got when it was alone on a fresh server. Needs Python's
standard library alone.

    soak.py --maslin .build/release/maslin --model MODEL.gguf [--seconds 600] [--clients 8] [--kills] [--seed 1] [--json]

The end is a table (or JSON): answers compared, wrong ones (must be 0), share of reusable prompt tokens that were reused,
resident memory over time. Exit status 1 when an answer was wrong; in a run without kills also when less than 95 % of what
could be reused was, or when memory grew by more than 2 % in the second half of a run of five minutes or more (before that
the cache of prefixes fills). A kill loses what was not yet on disk, so reuse after kills is shown and not judged.
"""

import argparse, http.client, json, os, random, signal, subprocess, sys, tempfile, threading, time, urllib.parse


class Server:
    """One `maslin serve`, restarted on demand."""

    def __init__(self, maslin, model, folder, extra):
        self.command = [maslin, "serve", model, "--port", "0", "--json", "--data", folder, *extra]
        self.log = open(os.path.join(folder, "server.log"), "ab")
        self.lock = threading.Lock()
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        if not line:
            status = self.process.wait()
            raise SystemExit(f"the server did not start (status {status}): {self.complaint()}")
        ready = json.loads(line)
        self.address = urllib.parse.urlparse(ready["url"]).netloc
        self.token = open(ready["tokenFile"]).read().strip()

    def complaint(self):
        return open(self.log.name, errors="replace").read()[-2000:]

    def kill(self):
        with self.lock:
            self.process.kill()
            self.process.wait()
            self.start()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def resident(self):
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0


class Gone(Exception):
    """The connection ended early, as it may while the server is killed."""


def ask(server, body, give_up_after=None, pause=None):
    """Streams one answer. Returns (text, usage); text alone is cut when this side hangs up."""
    connection = http.client.HTTPConnection(server.address, timeout=120)
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(body), {
            "content-type": "application/json", "authorization": "Bearer " + server.token})
        response = connection.getresponse()
        if response.status in (429, 503):
            response.read()
            raise Gone()
        if response.status != 200:
            raise SystemExit(f"status {response.status}: {response.read().decode()}")
        text, usage, is_complete = "", None, False
        while True:
            line = response.readline()
            if not line:
                break
            if not line.startswith(b"data: "):
                continue
            data = line[6:].strip()
            if data == b"[DONE]":
                is_complete = True
                break
            chunk = json.loads(data)
            if "error" in chunk:
                raise Gone()
            usage = chunk.get("usage") or usage
            for choice in chunk.get("choices", []):
                delta = choice["delta"]
                text += (delta.get("reasoning_content") or "") + (delta.get("content") or "")
            if give_up_after is not None and len(text) >= give_up_after:
                return text, None
            if pause:
                time.sleep(pause)
        if not is_complete:
            raise Gone()
        return text, usage
    except (OSError, http.client.HTTPException, json.JSONDecodeError):
        raise Gone() from None
    finally:
        connection.close()


class Agent:
    """A conversation that grows: question, answer, result, answer, ..."""

    def __init__(self, number, turns):
        self.number, self.turns = number, turns
        self.system = ("You audit contracts. " + f"Agent {number} looks at storage, calls and owners. " * 12)

    def question(self, turn):
        words = random.Random(f"{self.number}/{turn}")
        body = " ".join(words.choice("slot owner call proxy admin value guard token".split()) for _ in range(40))
        return f"Result {turn}: {body}"

    def request(self, answers, turn):
        messages = [{"role": "system", "content": self.system}]
        for index in range(turn + 1):
            messages.append({"role": "user", "content": self.question(index)})
            if index < turn:
                messages.append({"role": "assistant", "content": answers[index]})
        return {"messages": messages, "stream": True, "stream_options": {"include_usage": True},
                "max_tokens": 24 + (self.number * 7 + turn * 5) % 40, "seed": self.number * 100 + turn,
                "temperature": 1.0, "reasoning_effort": "none", "user": f"agent-{self.number}"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--maslin", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--turns", type=int, default=8)
    parser.add_argument("--kills", action="store_true", help="kill -9 the server every 20 to 40 seconds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("serve_options", nargs="*", help="further options of `maslin serve`, after --")
    options = parser.parse_args()
    print(f"seed {options.seed}", file=sys.stderr)

    agents = [Agent(number, options.turns) for number in range(options.clients)]
    expected = {}
    with tempfile.TemporaryDirectory() as folder:
        server = Server(options.maslin, options.model, folder, options.serve_options)
        for agent in agents:
            answers = []
            for turn in range(agent.turns):
                text, usage = ask(server, agent.request(answers, turn))
                answers.append(text)
                expected[agent.number, turn] = (text, usage["prompt_tokens"] + usage["completion_tokens"])
        server.stop()

    folder = tempfile.TemporaryDirectory()
    server = Server(options.maslin, options.model, folder.name, options.serve_options)
    counts = {"complete": 0, "cut": 0, "slow": 0, "interrupted": 0, "wrong": 0, "kills": 0}
    reuse = {"possible": 0, "reused": 0}
    wrong, lock, end = [], threading.Lock(), time.time() + options.seconds
    resident = []

    def work(agent):
        choose = random.Random(f"{options.seed}/{agent.number}")
        while time.time() < end:
            answers, before = [], 0
            for turn in range(agent.turns):
                if time.time() >= end:
                    return
                text, size = expected[agent.number, turn]
                kind = choose.random()
                cut = choose.randrange(1, max(2, len(text))) if kind < 0.15 else None
                pause = choose.choice([0.01, 0.05]) if 0.15 <= kind < 0.25 else None
                try:
                    got, usage = ask(server, agent.request(answers, turn), cut, pause)
                except Gone:
                    with lock:
                        counts["interrupted"] += 1
                    before = 0
                    time.sleep(0.3)
                    got, usage = None, None
                with lock:
                    if got is not None:
                        counts["cut" if usage is None else "complete"] += 1
                        counts["slow"] += pause is not None
                        is_right = got == text if usage else text.startswith(got) or got.startswith(text)
                        if not is_right:
                            counts["wrong"] += 1
                            wrong.append((agent.number, turn, text, got))
                    if usage and before:
                        cached = usage["prompt_tokens_details"]["cached_tokens"]
                        possible = min(before, usage["prompt_tokens"] - 1)
                        reuse["possible"] += possible
                        reuse["reused"] += min(cached, possible)
                # What the server has seen of this conversation, when the turn was completed.
                before = size if usage else 0
                answers.append(text)

    threads = [threading.Thread(target=work, args=(agent,), daemon=True) for agent in agents]
    for thread in threads:
        thread.start()
    choose = random.Random(f"{options.seed}/kills")
    next_kill = time.time() + choose.uniform(20, 40)
    while any(thread.is_alive() for thread in threads):
        time.sleep(1)
        try:
            resident.append(server.resident())
        except OSError:
            raise SystemExit(f"the server ended by itself: {server.complaint()}")
        if options.kills and time.time() > next_kill and time.time() < end - 5:
            server.kill()
            counts["kills"] += 1
            next_kill = time.time() + choose.uniform(20, 40)
    status = server.stop()
    verify = subprocess.run([options.maslin, "cache", "verify", "--data", folder.name], capture_output=True, text=True)
    folder.cleanup()

    half, last = resident[len(resident) // 2: len(resident) * 3 // 4], resident[len(resident) * 3 // 4:]
    growth = (sum(last) / len(last)) / (sum(half) / len(half)) - 1 if half and last else 0
    share = reuse["reused"] / reuse["possible"] if reuse["possible"] else 0
    result = {**counts, "seconds": options.seconds, "clients": options.clients, "serverStatus": status,
              "cacheVerifyStatus": verify.returncode, "reuseShare": round(share, 4),
              "residentMiB": [round(size / 2**20, 1) for size in resident[:: max(1, len(resident) // 20)]],
              "residentGrowth": round(growth, 4)}
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:18} {value}")
    for number, turn, text, got in wrong[:3]:
        print(f"agent {number}, turn {turn}: expected {text!r}, got {got!r}", file=sys.stderr)
    is_flat = options.kills or options.seconds < 300 or abs(growth) <= 0.02
    is_reused = options.kills or share >= 0.95
    sys.exit(0 if counts["wrong"] == 0 and is_flat and is_reused and status == 0
             and verify.returncode == 0 else 1)


if __name__ == "__main__":
    main()
