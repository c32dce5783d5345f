import JSON
import ModelContext
import Solidity

/// `layout`: where contracts keep their state.
enum LayoutTool {
  private static let byteLimit = 384 << 10

  static func tool(_ sources: ToolSources) -> ContextTool {
    ContextTool(
      name: "layout", title: "Storage layout",
      description: """
        Tells where contracts keep their state, byte by byte: slots, offsets and types of variables, ERC-7201 namespaces, \
        and slots used by hand. Worked out from the source as the compiler does.
        """,
      inputSchema: ToolSchema.object(ToolSources.schema),
      outputSchema: ToolSchema.openObject(
        [
          "contracts": ToolSchema.array(
            of: ToolSchema.openObject(
              [
                "path": ToolSchema.strings, "contract": ToolSchema.strings,
                "storage": ToolSchema.array(
                  of: .members(["type": "object"]), "Variables in the order of the layout."),
              ], required: ["path", "contract", "storage"]),
            "One entry for each concrete contract."),
          "total": ToolSchema.value("integer", "Contracts there are."),
          "truncated": ToolSchema.value(
            "boolean", "Whether contracts were left out for their size."),
          "notes": ToolSchema.notes,
        ], required: ["contracts", "total", "truncated", "notes"]),
      annotations: .init(isReadOnly: true, isIdempotent: true, isOpenWorld: false)
    ) { arguments, call throws(ToolFailure) in
      let arguments = try ToolArguments(arguments, known: ToolSources.names)
      let chosen = try sources.chosen(arguments, for: call)
      return try await ToolWork.run { try result(chosen, call) }
    }
  }

  private static func result(
    _ chosen: ToolSources.Chosen, _ call: ToolCall
  ) throws -> ToolResult {
    var run = try SourceRun([chosen.selection], chosen.access)
    let selection = run.selection
    var maps: [String] = []
    var reports: [JSONValue] = []
    var byteCount = 0
    var total = 0
    try run.forEachProgram { program, sources in
      let contracts = sources.requestedContracts(of: program, selection)
      return (
        maps: LayoutFormat.text.texts(of: contracts, in: program, selection),
        reports: LayoutFormat.json.texts(of: contracts, in: program, selection)
      )
    } deliver: { item in
      for (map, report) in zip(item.maps, item.reports) {
        total += 1
        byteCount += map.utf8.count + report.utf8.count
        guard byteCount <= byteLimit else { continue }
        maps.append(map)
        reports.append(try JSONParser.parse(Array(report.utf8)))
      }
    }
    if let missing = run.missingContract(total) { throw CommandFailure(.badInput, missing) }
    let isTruncated = reports.count < total
    var notes = run.report.lines
    if total == 0 { notes.append("no concrete contracts in the files given") }
    if isTruncated {
      notes.append("\(reports.count) of \(total) contracts are shown; name one as PATH:Contract")
    }
    for note in notes { call.log(.warning, note) }
    return ToolResult(
      text: (maps + notes.map { "note: \($0)\n" }).joined(separator: "\n"),
      structured: .members([
        "contracts": .array(reports), "total": .integer(total), "truncated": .bool(isTruncated),
        "notes": .strings(notes),
      ]))
  }
}
