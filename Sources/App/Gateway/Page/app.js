import * as api from "/page/api.js";
import * as store from "/page/store.js";
import { Composer } from "/page/composer.js";
import { MessageView } from "/page/messages.js";
import { auditFiles, runTool } from "/page/audit.js";

const $ = (id) => document.getElementById(id);
const maximumToolRounds = 8;

let conversations = store.load();
let current = conversations[0] ?? store.make();
let running = null;
const views = new Map();
let auditTools = [];

const composer = new Composer({ submit: send, stop: () => running?.abort(), files: audit });

// Conversations

function keep() {
  current.changed = Date.now();
  conversations = [current, ...conversations.filter((one) => one.id !== current.id)];
  try {
    const dropped = store.save(conversations);
    if (dropped) composer.notice(`The browser's storage is full: ${dropped} of the oldest conversations were deleted.`);
  } catch {
    composer.notice("The browser's storage is full; this conversation will be gone when the page is closed.");
  }
  showList();
}

function showList() {
  $("conversations").replaceChildren(...conversations.map((one) => {
    const open = document.createElement("button");
    open.type = "button";
    open.className = "open";
    open.textContent = one.title || "Empty conversation";
    if (one.id === current.id) open.setAttribute("aria-current", "true");
    open.addEventListener("click", () => show(one));
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "delete";
    remove.textContent = "×";
    remove.setAttribute("aria-label", `Delete ${one.title || "empty conversation"}`);
    remove.addEventListener("click", () => forget(one));
    const item = document.createElement("li");
    item.append(open, remove);
    return item;
  }));
}

function forget(one) {
  if (!confirm(`Delete “${one.title || "empty conversation"}”? It exists nowhere else.`)) return;
  conversations = conversations.filter((other) => other.id !== one.id);
  store.save(conversations);
  if (one.id === current.id) show(conversations[0] ?? store.make());
  else showList();
}

function show(conversation) {
  running?.abort();
  current = conversation;
  views.clear();
  $("messages").replaceChildren();
  for (const message of current.messages) view(message).update();
  showList();
  composer.focus();
  $("log").scrollTop = $("log").scrollHeight;
}

function view(message) {
  let one = views.get(message);
  if (!one) {
    one = new MessageView(message, { edit, regenerate, askAbout });
    views.set(message, one);
    $("messages").append(one.node);
  }
  return one;
}

function append(message) {
  current.messages.push(message);
  view(message).update();
  scroll(true);
  return message;
}

function truncate(from) {
  for (const message of current.messages.splice(from)) {
    views.get(message)?.node.remove();
    views.delete(message);
  }
}

/** Follows the answer only while its reader is at the end. */
function scroll(always = false) {
  const log = $("log");
  if (always || log.scrollHeight - log.scrollTop - log.clientHeight < 120) log.scrollTop = log.scrollHeight;
}

// Asking

function send(text) {
  if (running) return;
  append({ role: "user", content: text });
  if (!current.title) current.title = text.trim().slice(0, 60);
  keep();
  answer();
}

function edit(message, text) {
  if (running) return;
  truncate(current.messages.indexOf(message));
  send(text);
}

function regenerate(message) {
  if (running) return;
  let from = current.messages.indexOf(message);
  // The answer begins behind the question it belongs to; calls and results between are part of it.
  while (from > 0 && current.messages[from - 1].role !== "user") from -= 1;
  truncate(from);
  answer();
}

function askAbout(report) {
  composer.insert(`Explain the most serious finding in ${report.files.join(", ")} and how to fix it.`);
}

function wireMessages() {
  const list = current.system ? [{ role: "system", content: current.system }] : [];
  for (const message of current.messages) {
    if (message.role === "report") {
      list.push({ role: "user", content: `Audit report of ${message.report.files.join(", ")}:\n\n${message.report.text}` });
      continue;
    }
    const { role, content, reasoning, calls, callID } = message;
    const wire = { role, content };
    if (reasoning) wire.reasoning_content = reasoning;
    if (calls?.length) {
      wire.tool_calls = calls.map((call) => ({
        id: call.id, type: "function", function: { name: call.name, arguments: call.arguments },
      }));
    }
    if (callID) wire.tool_call_id = callID;
    list.push(wire);
  }
  return list;
}

function request() {
  const body = { model: $("model").value, messages: wireMessages() };
  if ($("thinking").value) body.reasoning_effort = $("thinking").value;
  for (const [id, name] of [["temperature", "temperature"], ["seed", "seed"], ["max-tokens", "max_completion_tokens"]]) {
    if ($(id).value !== "") body[name] = Number($(id).value);
  }
  if ($("tools").checked && auditTools.length) {
    body.tools = auditTools.map((tool) => ({
      type: "function",
      function: { name: tool.name, description: tool.description, parameters: tool.inputSchema },
    }));
  }
  return body;
}

async function answer() {
  composer.notice("");
  running = new AbortController();
  composer.setRunning(true);
  try {
    for (let round = 0; round < maximumToolRounds; round += 1) {
      const message = await oneAnswer(running.signal);
      keep();
      if (!message.calls.length || !(await runCalls(message))) break;
      keep();
    }
    announce("The answer is complete.");
  } catch (error) {
    if (error.name !== "AbortError") {
      if (error.status === 401) login(error.message);
      composer.notice(error.message);
    } else {
      announce("Stopped.");
    }
  }
  running = null;
  composer.setRunning(false);
  keep();
}

async function oneAnswer(signal) {
  const message = append({ role: "assistant", content: "", reasoning: "", calls: [], model: $("model").value });
  const one = view(message);
  one.setWorking(true);
  const start = performance.now();
  let first = 0;
  let isDrawing = false;
  const draw = () => {
    if (isDrawing) return;
    isDrawing = true;
    requestAnimationFrame(() => {
      isDrawing = false;
      one.update();
      scroll();
    });
  };
  try {
    for await (const chunk of api.chat(request(), signal)) {
      const choice = chunk.choices?.[0];
      const delta = choice?.delta ?? {};
      if (!first && (delta.content || delta.reasoning_content || delta.tool_calls)) first = performance.now();
      if (delta.reasoning_content) message.reasoning += delta.reasoning_content;
      if (delta.content) message.content += delta.content;
      for (const piece of delta.tool_calls ?? []) takeCall(message.calls, piece);
      if (choice?.finish_reason) message.finish = choice.finish_reason;
      if (chunk.maslin?.stop_reason) message.stopReason = chunk.maslin.stop_reason;
      if (chunk.usage) figures(message, chunk, start, first);
      draw();
    }
  } catch (error) {
    if (error.name === "AbortError") message.finish = "stopped";
    else if (!message.content && !message.reasoning) truncate(current.messages.indexOf(message));
    else message.finish = "failed";
    throw error;
  } finally {
    one.setWorking(false);
    one.update();
  }
  return message;
}

function takeCall(calls, piece) {
  const call = (calls[piece.index] ??= { id: "", name: "", arguments: "" });
  if (piece.id) call.id = piece.id;
  if (piece.function?.name) call.name = piece.function.name;
  call.arguments += piece.function?.arguments ?? "";
}

function figures(message, chunk, start, first) {
  const now = performance.now();
  const reused = chunk.usage.prompt_tokens_details?.cached_tokens ?? 0;
  message.figures = {
    prompt: chunk.usage.prompt_tokens,
    reused,
    answer: chunk.usage.completion_tokens,
    firstSeconds: first ? (first - start) / 1000 : 0,
    rate: first && chunk.usage.completion_tokens > 1 ? (chunk.usage.completion_tokens - 1) / ((now - first) / 1000) : 0,
    miss: chunk.maslin?.prefix_miss?.reason ?? "",
  };
  const { rate, prompt, answer } = message.figures;
  $("speed").textContent = `${rate ? `${rate.toFixed(1)} tokens/s, ` : ""}${prompt + answer} tokens in context`;
}

/** Runs the calls of an answer, each after the user's consent. Returns whether the model goes on. */
async function runCalls(message) {
  const one = view(message);
  let wasRefused = false;
  for (const call of message.calls) {
    const isAllowed = !wasRefused && (await one.consent(call, running.signal));
    wasRefused ||= !isAllowed;
    const content = isAllowed ? await runTool(call) : "The user did not allow this call.";
    append({ role: "tool", content, callID: call.id, name: call.name });
  }
  return !wasRefused;
}

// Audit

async function audit(files) {
  composer.notice("");
  const sources = files.filter((file) => file.name.endsWith(".sol"));
  if (sources.length < files.length) composer.notice("Only .sol files can be audited here.");
  if (!sources.length) return;
  announce(`Auditing ${sources.length} files.`);
  try {
    const report = await auditFiles(sources);
    append({ role: "report", content: "", report });
    if (!current.title) current.title = `Audit of ${report.files.join(", ")}`.slice(0, 60);
    keep();
    announce(`The audit is complete: ${report.findings.length} findings.`);
  } catch (error) {
    if (error.status === 401) login(error.message);
    composer.notice(error.message);
  }
}

// Around

function announce(text) { $("announcer").textContent = text; }

function login(reason) {
  $("login-reason").textContent = reason ?? $("login-reason").textContent;
  $("login").showModal();
}

async function start() {
  api.takeToken();
  try {
    const list = await api.models();
    const options = list.map((model) => new Option(model.id, model.id));
    $("model").replaceChildren(...options);
  } catch (error) {
    if (error.status === 401) login();
    else composer.notice(`The server does not answer: ${error.message}`);
    return;
  }
  try {
    auditTools = await api.tools();
  } catch (error) {
    $("tools").disabled = true;
    composer.notice(`Audit is not available: ${error.message}`);
  }
}

$("login").addEventListener("close", () => {
  if (!$("token").value) return;
  api.setToken($("token").value.trim());
  $("token").value = "";
  start();
});
$("new-conversation").addEventListener("click", () => show(store.make()));
$("open-settings").addEventListener("click", () => {
  $("system").value = current.system;
  $("settings").showModal();
});
$("settings").addEventListener("close", () => {
  current.system = $("system").value;
  if (current.messages.length) keep();
});
$("forget-all").addEventListener("click", () => {
  if (!confirm("Delete all conversations of this browser? They exist nowhere else.")) return;
  store.forgetAll();
  conversations = [];
  show(store.make());
});
$("toggle-sidebar").addEventListener("click", () => {
  const isNarrow = $("layout").classList.toggle("narrow");
  $("toggle-sidebar").setAttribute("aria-expanded", String(!isNarrow));
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && running && !document.querySelector("dialog[open]")) running.abort();
  if (event.altKey && event.key.toLowerCase() === "n") {
    event.preventDefault();
    show(store.make());
  }
});
// The list is what another tab wrote, too; what is open here stays.
window.addEventListener("storage", () => {
  conversations = store.load();
  showList();
});
if (matchMedia("(max-width: 720px)").matches) $("toggle-sidebar").click();

show(current);
start();
