import JSON
import TerminalText

extension ModelInspection {
  /// The inspection as JSON; sizes in bytes.
  public var json: JSONValue {
    .members([
      "path": .string(path),
      "parts": .integer(partCount),
      "bytes": .integer(fileByteCount),
      "ggufVersion": .integer(version),
      "architecture": Self.json(architecture),
      "name": Self.json(name),
      "fileType": Self.json(fileType),
      "contextLength": contextLength.map(JSONValue.integer) ?? .null,
      "layers": layerCount.map(JSONValue.integer) ?? .null,
      "experts": experts.map {
        .members(["count": .integer($0.count), "used": .integer($0.used)])
      } ?? .null,
      "parameters": .integer(parameterCount),
      "tensors": .integer(tensorCount),
      "types": .array(
        types.map {
          .members([
            "type": .string($0.type.name), "tensors": .integer($0.tensorCount),
            "values": .integer($0.valueCount), "bytes": .integer($0.byteCount),
          ])
        }),
      "kinds": .array(
        kinds.map {
          .members([
            "name": .string($0.name), "layers": .array($0.layers.map(JSONValue.integer)),
            "type": .string($0.type.name), "shape": .array($0.shape.map(JSONValue.integer)),
            "bytes": .integer($0.byteCount),
          ])
        }),
      "tokenizer": tokenizer.map(Self.json) ?? .null,
      "chatTemplate": chatTemplate.map {
        .members(["bytes": .integer($0.byteCount), "sha256": .string($0.sha256)])
      } ?? .null,
      "decodeBytesPerToken": .members([
        "dense": .integer(traffic.dense), "experts": .integer(traffic.experts),
        "rows": .integer(traffic.rows), "total": .integer(traffic.total),
      ]),
      "limits": .array(limits.map(JSONValue.string)),
    ])
  }

  private static func json(_ text: String?) -> JSONValue { text.map(JSONValue.string) ?? .null }

  private static func json(_ tokenizer: Tokenizer) -> JSONValue {
    .members([
      "model": .string(tokenizer.model),
      "preTokenizer": json(tokenizer.preTokenizer),
      "tokens": .integer(tokenizer.tokenCount),
      "merges": .integer(tokenizer.mergeCount),
      "special": .array(
        tokenizer.specialTokens.map {
          .members(["role": .string($0.role), "id": .integer($0.id), "text": json($0.text)])
        }),
    ])
  }

  /// The inspection as lines for people, without colours. Nothing in it can command a terminal.
  public var text: String {
    var lines: [[String]] = [
      ["model", name ?? "(no name)"],
      ["architecture", architecture ?? "(not stated)"],
      ["file", partCount == 1 ? path : "\(path) and \(partCount - 1) more parts"],
      ["size", "\(Self.bytes(fileByteCount)), GGUF version \(version)"],
      ["parameters", "\(Self.grouped(parameterCount)) in \(tensorCount) tensors"],
    ]
    if let layerCount { lines.append(["layers", "\(layerCount)"]) }
    if let experts { lines.append(["experts", "\(experts.used) of \(experts.count) per token"]) }
    if let contextLength { lines.append(["context", "\(Self.grouped(contextLength)) tokens"]) }
    if let fileType { lines.append(["quantised as", fileType]) }
    if let tokenizer {
      lines.append([
        "tokenizer",
        "\(tokenizer.model), pre-tokenizer \(tokenizer.preTokenizer ?? "not stated"), "
          + "\(Self.grouped(tokenizer.tokenCount)) tokens, \(Self.grouped(tokenizer.mergeCount)) merges",
      ])
      for token in tokenizer.specialTokens {
        lines.append(["  \(token.role)", "\(token.id) \(token.text ?? "(outside the vocabulary)")"])
      }
    }
    lines.append([
      "chat template",
      chatTemplate.map { "\($0.byteCount) bytes, SHA-256 \($0.sha256.prefix(16))\u{2026}" }
        ?? "none",
    ])
    lines.append([
      "read per token",
      "\(Self.bytes(traffic.total)) at short context (dense \(Self.bytes(traffic.dense)), "
        + "experts \(Self.bytes(traffic.experts)), rows \(Self.bytes(traffic.rows)))",
    ])
    for limit in limits { lines.append(["note", limit]) }

    var usage = [["type", "tensors", "values", "bytes", "share"]]
    let total = max(1, types.reduce(0) { $0 + $1.byteCount })
    for use in types {
      usage.append([
        use.type.name, "\(use.tensorCount)", Self.grouped(use.valueCount),
        Self.grouped(use.byteCount), Self.percent(use.byteCount, of: total),
      ])
    }
    var table = [["tensor", "layers", "type", "shape", "bytes"]]
    for kind in kinds {
      table.append([
        kind.name, Self.ranges(kind.layers), kind.type.name,
        kind.shape.map(String.init).joined(separator: " x "), Self.grouped(kind.byteCount),
      ])
    }
    return [
      Self.aligned(lines, numbers: []), Self.aligned(usage, numbers: [1, 2, 3, 4]),
      Self.aligned(table, numbers: [4]),
    ].joined(separator: "\n")
  }

  /// Rows with columns of equal width; columns in `numbers` are aligned at the right.
  private static func aligned(_ rows: [[String]], numbers: Set<Int>) -> String {
    let safe = rows.map { $0.map(SafeText.line) }
    let width = { (text: String) in
      text.unicodeScalars.reduce(0) { $0 + SafeText.width(of: $1) }
    }
    let columns = safe.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
      safe.map { $0.indices.contains(column) ? width($0[column]) : 0 }.max() ?? 0
    }
    var text = ""
    for row in safe {
      var line = ""
      for (column, cell) in row.enumerated() {
        let padding = String(repeating: " ", count: widths[column] - width(cell))
        line +=
          (column == 0 ? "" : "  ") + (numbers.contains(column) ? padding + cell : cell + padding)
      }
      while line.hasSuffix(" ") { line.removeLast() }
      text += line + "\n"
    }
    return text
  }

  /// `0-2,5` for 0, 1, 2, 5.
  static func ranges(_ layers: [Int]) -> String {
    var parts: [(Int, Int)] = []
    for layer in layers {
      if let last = parts.last, last.1 + 1 == layer {
        parts[parts.count - 1].1 = layer
      } else {
        parts.append((layer, layer))
      }
    }
    return parts.map { $0.0 == $0.1 ? "\($0.0)" : "\($0.0)-\($0.1)" }.joined(separator: ",")
  }

  /// `1,234,567`.
  static func grouped(_ number: Int) -> String {
    let digits = String(number.magnitude)
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return (number < 0 ? "-" : "") + text
  }

  /// `80.76 GiB`, with two decimals, rounded down.
  static func bytes(_ count: Int) -> String {
    guard count >= 1024 else { return "\(count) B" }
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    var unit = 0
    var divisor = 1024
    while unit + 1 < units.count, count / divisor >= 1024 {
      divisor *= 1024
      unit += 1
    }
    let hundredths = count % divisor / max(1, divisor / 100)
    let decimals = min(99, hundredths)
    return "\(count / divisor).\(decimals < 10 ? "0" : "")\(decimals) \(units[unit])"
  }

  /// `12.3 %`, rounded down.
  private static func percent(_ part: Int, of total: Int) -> String {
    let tenths = Int(Double(part) / Double(total) * 1000)
    return "\(tenths / 10).\(tenths % 10) %"
  }
}
