// Conversations, kept in this browser alone.

const key = "maslin.conversations";

/** All conversations, newest first. Damaged storage is set aside, not lost. */
export function load() {
  const text = localStorage.getItem(key);
  if (!text) return [];
  try {
    const list = JSON.parse(text);
    if (Array.isArray(list) && list.every((one) => one && Array.isArray(one.messages))) return list;
  } catch { /* Handled below. */ }
  localStorage.setItem(`${key}.damaged.${Date.now()}`, text);
  return [];
}

/**
 * Keeps conversations. When the browser has no room the oldest go first.
 * @returns {number} how many had to go
 */
export function save(list) {
  let dropped = 0;
  const kept = [...list];
  for (;;) {
    try {
      localStorage.setItem(key, JSON.stringify(kept));
      return dropped;
    } catch (error) {
      if (kept.length <= 1) throw error;
      kept.pop();
      dropped += 1;
    }
  }
}

export function forgetAll() {
  for (const name of Object.keys(localStorage)) if (name.startsWith(key)) localStorage.removeItem(name);
}

export function make() {
  return { id: crypto.randomUUID(), title: "", changed: Date.now(), system: "", messages: [] };
}
