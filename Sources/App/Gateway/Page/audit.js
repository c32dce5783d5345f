// Audits through the server's tools.

import * as api from "/page/api.js";

const maximumBytes = 4 << 20;

/** Audits files; returns what the page shows and what the model may read. */
export async function auditFiles(files) {
  const sources = {};
  for (const file of files) {
    if (file.size > maximumBytes) throw new Error(`${file.name} is larger than ${maximumBytes >> 20} MB`);
    sources[file.name] = await file.text();
  }
  const result = await api.callTool("audit", { files: sources });
  const text = result.content.filter((part) => part.type === "text").map((part) => part.text).join("\n");
  if (result.isError) throw new Error(text);
  const structured = result.structuredContent ?? {};
  return {
    files: Object.keys(sources),
    text,
    note: (structured.notes ?? []).join(" "),
    findings: (structured.findings ?? []).map((finding) => ({
      rule: finding.rule, severity: finding.severity, confidence: finding.confidence, message: finding.message,
      place: `${finding.file}:${finding.line}`,
    })),
  };
}

/** Runs a call of the model; what goes wrong is told to the model. */
export async function runTool(call) {
  try {
    const result = await api.callTool(call.name, JSON.parse(call.arguments || "{}"));
    const text = result.content.filter((part) => part.type === "text").map((part) => part.text).join("\n");
    return result.isError ? `The call failed: ${text}` : text;
  } catch (error) {
    return `The call failed: ${error.message}`;
  }
}
