// Markdown to document nodes. Text only ever becomes text nodes, so nothing a model writes can become markup or script.

/** Fills `target` with the rendering of `text`. */
export function render(text, target) {
  target.replaceChildren(...blocks(text.split("\n")));
}

function element(name, children = [], attributes = {}) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function blocks(lines) {
  const nodes = [];
  let index = 0;
  while (index < lines.length) {
    const line = lines[index];
    const fence = line.match(/^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]*)/);
    if (fence) {
      const code = [];
      index += 1;
      while (index < lines.length && !lines[index].trim().startsWith(fence[1])) code.push(lines[index++]);
      index += 1;
      nodes.push(codeBlock(code.join("\n"), fence[2]));
      continue;
    }
    if (!line.trim()) { index += 1; continue; }
    const heading = line.match(/^(#{1,6})\s+(.*)$/);
    if (heading) {
      // The page itself has the levels above.
      nodes.push(element("h" + Math.min(6, heading[1].length + 3), inline(heading[2])));
      index += 1;
      continue;
    }
    if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) { nodes.push(element("hr")); index += 1; continue; }
    if (/^\s*>/.test(line)) {
      const quoted = [];
      while (index < lines.length && /^\s*>/.test(lines[index])) quoted.push(lines[index++].replace(/^\s*> ?/, ""));
      nodes.push(element("blockquote", blocks(quoted)));
      continue;
    }
    if (isTable(lines, index)) {
      const [table, next] = tableAt(lines, index);
      nodes.push(table);
      index = next;
      continue;
    }
    if (listMarker(line)) {
      const [list, next] = listAt(lines, index);
      nodes.push(list);
      index = next;
      continue;
    }
    const paragraph = [];
    while (index < lines.length && lines[index].trim() && !startsBlock(lines, index, paragraph.length)) {
      paragraph.push(lines[index++]);
    }
    nodes.push(element("p", inline(paragraph.join("\n"))));
  }
  return nodes;
}

function startsBlock(lines, index, length) {
  if (length === 0) return false;
  const line = lines[index];
  return /^ {0,3}(`{3,}|~{3,})/.test(line) || /^#{1,6}\s/.test(line) || /^\s*>/.test(line) || listMarker(line) !== null;
}

function codeBlock(text, language) {
  const copy = element("button", ["Copy"], { type: "button", class: "copy" });
  copy.addEventListener("click", () => navigator.clipboard?.writeText(text));
  const pre = element("pre", [element("code", [text])], { tabindex: "0", "aria-label": language ? `Code, ${language}` : "Code" });
  return element("div", [pre, element("div", [copy], { class: "actions" })]);
}

function listMarker(line) {
  const match = line.match(/^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/);
  return match && { indent: match[1].length, ordered: /\d/.test(match[2]), start: parseInt(match[2], 10), text: match[3] };
}

function listAt(lines, from) {
  const first = listMarker(lines[from]);
  const items = [];
  let index = from;
  while (index < lines.length) {
    const marker = listMarker(lines[index]);
    if (!marker || marker.indent < first.indent || (marker.indent === first.indent && marker.ordered !== first.ordered)) break;
    const content = [marker.text];
    const width = marker.indent + 2;
    index += 1;
    while (index < lines.length) {
      const next = listMarker(lines[index]);
      const isInside = lines[index].search(/\S/) >= width;
      if (next && next.indent <= first.indent) break;
      if (!lines[index].trim()) {
        if (index + 1 < lines.length && lines[index + 1].search(/\S/) >= width) { content.push(""); index += 1; continue; }
        break;
      }
      if (!isInside && startsBlock(lines, index, 1)) break;
      content.push(lines[index].slice(Math.min(width, Math.max(0, lines[index].search(/\S/)))));
      index += 1;
    }
    const inner = blocks(content);
    items.push(element("li", inner.length === 1 && inner[0].tagName === "P" ? [...inner[0].childNodes] : inner));
    while (index < lines.length && !lines[index].trim() && index + 1 < lines.length && listMarker(lines[index + 1])) index += 1;
  }
  const attributes = first.ordered && first.start > 1 ? { start: String(first.start) } : {};
  return [element(first.ordered ? "ol" : "ul", items, attributes), Math.max(index, from + 1)];
}

function isTable(lines, index) {
  return lines[index].includes("|") && index + 1 < lines.length
    && /^\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*$/.test(lines[index + 1]);
}

function cells(line) {
  return line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());
}

function tableAt(lines, from) {
  const head = element("tr", cells(lines[from]).map((cell) => element("th", inline(cell), { scope: "col" })));
  const rows = [];
  let index = from + 2;
  while (index < lines.length && lines[index].includes("|") && lines[index].trim()) {
    rows.push(element("tr", cells(lines[index]).map((cell) => element("td", inline(cell)))));
    index += 1;
  }
  return [element("table", [element("thead", [head]), element("tbody", rows)]), index];
}

const spans = [
  [/`([^`\n]+)`/, (match) => element("code", [match[1]])],
  [/\*\*([^\n]+?)\*\*/, (match) => element("strong", inline(match[1]))],
  [/(?<![\w*])\*([^*\n]+?)\*(?![\w*])/, (match) => element("em", inline(match[1]))],
  [/\[([^\]\n]+)\]\((https?:\/\/[^\s)]+)\)/, (match) => link(match[2], match[1])],
  [/\bhttps?:\/\/[^\s<>()"']+[^\s<>()"'.,;:!?]/, (match) => link(match[0], match[0])],
];

// Links of answers lead out of this machine: they show where to, and tell nobody where from.
function link(address, text) {
  return element("a", [text], { href: address, title: address, rel: "noopener noreferrer nofollow", target: "_blank" });
}

function inline(text) {
  const nodes = [];
  let rest = text;
  while (rest) {
    let best = null;
    for (const [pattern, make] of spans) {
      const match = rest.match(pattern);
      if (match && (!best || match.index < best.match.index)) best = { match, make };
    }
    if (!best) break;
    if (best.match.index > 0) nodes.push(rest.slice(0, best.match.index));
    nodes.push(best.make(best.match));
    rest = rest.slice(best.match.index + best.match[0].length);
  }
  if (rest) nodes.push(rest);
  return nodes;
}
