// One message on the screen.

import { render } from "/page/markdown.js";

const titles = { user: "You", assistant: "Model", tool: "Result of", report: "Audit" };
const ends = {
  length: "The answer reached its length limit.",
  stopped: "Stopped.",
  failed: "The answer failed here.",
};

function element(name, className, text) {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function button(text, action) {
  const node = element("button", "", text);
  node.type = "button";
  node.addEventListener("click", action);
  return node;
}

export class MessageView {
  /** @param actions {edit(message, text), regenerate(message), askAbout(report)} */
  constructor(message, actions) {
    this.message = message;
    this.actions = actions;
    this.node = element("article", `message ${message.role}`);
    const title = message.role === "tool" ? `Result of ${message.name}` : titles[message.role];
    this.node.append(element("h3", "", title));
    this.node.setAttribute("aria-label", title);
    this.thoughts = element("details", "thoughts");
    this.thoughts.hidden = true;
    this.summary = element("summary", "", "Thoughts");
    this.thoughtText = element("div", "text");
    this.thoughts.append(this.summary, this.thoughtText);
    this.body = element("div", "body");
    this.calls = element("div");
    this.foot = element("div", "actions");
    this.node.append(this.thoughts, this.body, this.calls, this.foot);
    this.isWorking = false;
    this.waiting = new Map();
  }

  setWorking(isWorking) {
    this.isWorking = isWorking;
    this.node.setAttribute("aria-busy", String(isWorking));
  }

  update() {
    const { role, content, reasoning } = this.message;
    this.thoughts.hidden = !reasoning;
    if (reasoning) {
      this.thoughtText.textContent = reasoning;
      this.summary.textContent = this.isWorking && !content ? "Thinking…" : "Thoughts";
    }
    if (role === "assistant") render(content, this.body);
    else if (role === "report") this.showReport();
    else if (role === "tool") this.showResult();
    else this.body.textContent = content;
    this.body.classList.toggle("working", this.isWorking);
    this.showCalls();
    this.showFoot();
  }

  showResult() {
    const details = element("details");
    details.append(element("summary", "", "Show"), element("pre", "", this.message.content));
    this.body.replaceChildren(details);
  }

  showCalls() {
    if (!this.message.calls) return;
    this.calls.replaceChildren(...this.message.calls.filter(Boolean).map((call) => {
      const box = element("div", "call");
      box.append(element("strong", "", `Call of ${call.name}`), element("pre", "", pretty(call.arguments)));
      const waiting = this.waiting.get(call);
      if (waiting) {
        const row = element("div", "actions");
        row.append(button("Run it", () => waiting(true)), button("Do not run", () => waiting(false)));
        box.append(row);
      }
      return box;
    }));
  }

  /** Asks whether a call may run. */
  async consent(call, signal) {
    try {
      return await new Promise((resolve, reject) => {
        this.waiting.set(call, resolve);
        signal.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError")), { once: true });
        this.showCalls();
        this.calls.querySelector(".actions button")?.focus();
      });
    } finally {
      this.waiting.delete(call);
      this.showCalls();
    }
  }

  showReport() {
    const { report } = this.message;
    const box = element("div");
    box.append(element("strong", "", `${report.files.join(", ")}: ${count(report.findings.length, "finding")}`));
    if (report.note) box.append(element("p", "small", report.note));
    const list = element("ol");
    for (const finding of report.findings) {
      const item = element("li");
      item.append(
        element("span", `severity ${finding.severity}`, finding.severity), ` (confidence ${finding.confidence}) `,
        element("code", "", finding.rule), element("div", "", finding.message), element("div", "place", finding.place));
      list.append(item);
    }
    box.append(list);
    this.body.replaceChildren(box);
  }

  showFoot() {
    const { role, content, figures, finish, stopReason, report } = this.message;
    const parts = [];
    if (!this.isWorking && role === "user") parts.push(button("Edit", () => this.startEdit()));
    if (!this.isWorking && role === "assistant") {
      parts.push(button("Regenerate", () => this.actions.regenerate(this.message)));
      parts.push(button("Copy", () => navigator.clipboard?.writeText(content)));
    }
    if (report) parts.push(button("Ask the model about it", () => this.actions.askAbout(report)));
    if (figures) {
      const rate = figures.rate ? `, ${figures.rate.toFixed(1)} tokens/s` : "";
      const text = `${count(figures.prompt, "prompt token")}, ${figures.reused.toLocaleString("en")} reused, first token after `
        + `${figures.firstSeconds.toFixed(2)} s, ${count(figures.answer, "token")}${rate}`;
      const line = element("span", "figures", text);
      if (figures.miss) line.title = `Not all was reused: ${figures.miss}`;
      parts.push(line);
    }
    const end = stopReason === "loop" ? "The model repeated itself and was stopped." : ends[finish];
    if (end) parts.push(element("span", "figures", end));
    this.foot.replaceChildren(...parts);
  }

  startEdit() {
    const field = element("textarea");
    field.value = this.message.content;
    field.rows = Math.min(12, field.value.split("\n").length + 1);
    field.setAttribute("aria-label", "Edit the message");
    field.style.width = "100%";
    const cancel = () => this.update();
    field.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.stopPropagation();
        cancel();
      }
    });
    this.body.replaceChildren(field);
    this.foot.replaceChildren(
      button("Send", () => field.value.trim() && this.actions.edit(this.message, field.value)), button("Cancel", cancel));
    field.focus();
  }
}

function count(number, what) { return `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`; }

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
