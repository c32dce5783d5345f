// Talks to the server this page came from, and to nobody else.

const storageKey = "maslin.token";

/** Takes the token out of the address (where others could see it) into this tab's memory. */
export function takeToken() {
  const match = location.hash.match(/^#token=([A-Za-z0-9_-]+)$/);
  if (match) {
    sessionStorage.setItem(storageKey, match[1]);
    history.replaceState(null, "", location.pathname);
  }
}

export function setToken(token) { sessionStorage.setItem(storageKey, token); }

function headers(more = {}) {
  const token = sessionStorage.getItem(storageKey);
  return { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}), ...more };
}

/** What the server refuses, in its words. */
export class Refusal extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function checked(response) {
  if (response.ok) return response;
  let message = `the server answered ${response.status}`;
  try {
    const body = await response.json();
    message = body.error?.message ?? body.error ?? message;
  } catch { /* The status says it. */ }
  throw new Refusal(typeof message === "string" ? message : JSON.stringify(message), response.status);
}

export async function models() {
  const response = await checked(await fetch("/v1/models", { headers: headers() }));
  return (await response.json()).data;
}

/**
 * Asks the model. Yields the objects of the stream as they come.
 * @param {object} request the body of a chat completion
 * @param {AbortSignal} signal ends the answer
 */
export async function* chat(request, signal) {
  const body = JSON.stringify({ ...request, stream: true, stream_options: { include_usage: true } });
  const response = await checked(await fetch("/v1/chat/completions", { method: "POST", headers: headers(), body, signal }));
  for await (const data of events(response.body)) {
    if (data === "[DONE]") return;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new Refusal(chunk.error.message ?? "the answer failed", 500);
    yield chunk;
  }
}

/** The data of server-sent events. */
async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    held += value;
    let end;
    while ((end = held.indexOf("\n\n")) >= 0) {
      const event = held.slice(0, end);
      held = held.slice(end + 2);
      const data = event.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart());
      if (data.length) yield data.join("\n");
    }
  }
}

// The audit tools, over the Model Context Protocol.

const protocolVersion = "2025-06-18";
let session = null;
let nextID = 1;

async function send(message) {
  const more = { accept: "application/json, text/event-stream" };
  if (session) {
    more["mcp-session-id"] = session.id ?? "";
    more["mcp-protocol-version"] = session.version;
    if (!session.id) delete more["mcp-session-id"];
  }
  return checked(await fetch("/mcp", { method: "POST", headers: headers(more), body: JSON.stringify(message) }));
}

async function call(method, params) {
  const id = nextID++;
  const response = await send({ jsonrpc: "2.0", id, method, params });
  const sessionID = response.headers.get("mcp-session-id");
  let reply;
  if (response.headers.get("content-type")?.startsWith("text/event-stream")) {
    for await (const data of events(response.body)) {
      const message = JSON.parse(data);
      if (message.id === id) { reply = message; break; }
    }
  } else {
    reply = await response.json();
  }
  if (!reply) throw new Refusal("the server ended the exchange without an answer", 502);
  if (reply.error) throw new Refusal(reply.error.message, 400);
  return { result: reply.result, sessionID };
}

async function connect() {
  if (session) return;
  const { result, sessionID } = await call("initialize", {
    protocolVersion, capabilities: {}, clientInfo: { name: "maslin-page", version: "1" },
  });
  session = { id: sessionID, version: result.protocolVersion };
  await send({ jsonrpc: "2.0", method: "notifications/initialized" });
}

async function inSession(method, params) {
  await connect();
  try {
    return (await call(method, params)).result;
  } catch (error) {
    // The server was started anew and does not know the session any more.
    if (error.status !== 404) throw error;
    session = null;
    await connect();
    return (await call(method, params)).result;
  }
}

export async function tools() { return (await inSession("tools/list", {})).tools; }

export function callTool(name, args) { return inSession("tools/call", { name, arguments: args }); }
