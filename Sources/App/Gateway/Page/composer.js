// The field at the bottom: writing, sending, stopping, dropping files.

const $ = (id) => document.getElementById(id);

export class Composer {
  /** @param actions {submit(text), stop(), files(list)} */
  constructor(actions) {
    this.actions = actions;
    this.text = $("composer-text");
    this.isRunning = false;
    $("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.text.addEventListener("input", () => this.fit());
    this.text.addEventListener("keydown", (event) => {
      // Enter inside an input method chooses a word; it sends nothing.
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.submit();
      }
    });
    $("stop").addEventListener("click", () => actions.stop());
    $("file").addEventListener("change", () => {
      actions.files([...$("file").files]);
      $("file").value = "";
    });
    this.takeDrops();
  }

  takeDrops() {
    const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    let depth = 0;
    document.addEventListener("dragenter", (event) => {
      if (!hasFiles(event)) return;
      depth += 1;
      $("drop").hidden = false;
    });
    document.addEventListener("dragleave", () => {
      depth = Math.max(0, depth - 1);
      if (depth === 0) $("drop").hidden = true;
    });
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      depth = 0;
      $("drop").hidden = true;
      if (event.dataTransfer?.files.length) this.actions.files([...event.dataTransfer.files]);
    });
  }

  submit() {
    const text = this.text.value;
    if (!text.trim() || this.isRunning) return;
    this.text.value = "";
    this.fit();
    this.actions.submit(text);
  }

  insert(text) {
    this.text.value = text;
    this.fit();
    this.focus();
  }

  setRunning(isRunning) {
    this.isRunning = isRunning;
    $("send").hidden = isRunning;
    $("stop").hidden = !isRunning;
    // The button that had the focus is gone; the keyboard must not be lost with it.
    if (document.activeElement === document.body) (isRunning ? $("stop") : this.text).focus();
  }

  fit() {
    this.text.style.height = "auto";
    this.text.style.height = `${this.text.scrollHeight + 2}px`;
  }

  focus() { this.text.focus(); }

  /** Shows what went wrong until the next message; empty for nothing. */
  notice(text) {
    $("notice").hidden = !text;
    $("notice").textContent = text;
  }
}
