import Auditing
import JSON
import ModelContext
import Solidity

/// `upgrade_check`: what a new version of a contract does to live storage.
enum UpgradeTool {
  private static let names = [
    "old", "new", "old_source", "new_source", "old_contract", "new_contract", "kind",
    "unsafe_allow",
    "unsafe_allow_renames",
  ]
  private static let byteLimit = 384 << 10

  static func tool(_ sources: ToolSources) -> ContextTool {
    ContextTool(
      name: "upgrade_check", title: "Check an upgrade",
      description: """
        Compares two versions of an upgradeable contract: which bytes of live storage change their meaning, and what the \
        OpenZeppelin upgrades plugins would say. Give paths (PATH or PATH:Contract), or the texts themselves.
        """,
      inputSchema: ToolSchema.object([
        "old": ToolSchema.value("string", "The version in use, as PATH or PATH:Contract."),
        "new": ToolSchema.value("string", "The version to come, as PATH or PATH:Contract."),
        "old_source": ToolSchema.value("string", "The text of the version in use."),
        "new_source": ToolSchema.value("string", "The text of the version to come."),
        "old_contract": ToolSchema.value("string", "The contract in use."),
        "new_contract": ToolSchema.value("string", "The contract to come."),
        "kind": ToolSchema.choice(
          UpgradeProxyKind.allCases.map(\.rawValue),
          "The kind of proxy; worked out from the contracts unless given."),
        "unsafe_allow": ToolSchema.array(
          of: ToolSchema.choice(
            ValidationErrorKind.allCases.map(\.rawValue), "A kind of error, as in the plugins."),
          "Kinds of errors not to report."),
        "unsafe_allow_renames": ToolSchema.value("boolean", "Let variables change their names."),
      ]),
      outputSchema: ToolSchema.openObject(
        [
          "safe": ToolSchema.value("boolean", "Whether every upgrade can be made."),
          "upgrades": ToolSchema.array(
            of: ToolSchema.openObject(
              [
                "old": ToolSchema.strings, "new": ToolSchema.strings,
                "safe": .members(["type": "boolean"]),
                "changes": ToolSchema.array(
                  of: .members(["type": "object"]), "Differences of storage."),
              ], required: ["old", "new", "safe", "changes"]), "One entry for each pair."),
          "truncated": ToolSchema.value("boolean", "Whether pairs were left out for their size."),
          "notes": ToolSchema.notes,
        ], required: ["safe", "upgrades", "truncated", "notes"]),
      annotations: .init(isReadOnly: true, isIdempotent: true, isOpenWorld: false)
    ) { arguments, call throws(ToolFailure) in
      let arguments = try ToolArguments(arguments, known: names)
      let old = try side("old", arguments, sources, call)
      let new = try side("new", arguments, sources, call)
      let options = UpgradeOptions(
        kind: try arguments.choice("kind", UpgradeProxyKind.self),
        unsafeAllow: try allowed(arguments),
        unsafeAllowRenames: try arguments.flag("unsafe_allow_renames"))
      return try await ToolWork.run { try result(old, new, options, call) }
    }
  }

  private static func side(
    _ name: String, _ arguments: ToolArguments, _ sources: ToolSources, _ call: ToolCall
  ) throws(ToolFailure) -> ToolSources.Chosen {
    let contract = try arguments.string(name + "_contract")
    switch (try arguments.string(name), try arguments.string(name + "_source")) {
    case (let path?, nil):
      return try sources.path(contract.map { path + ":" + $0 } ?? path, for: call)
    case (nil, let source?):
      return try sources.texts([(name + ".sol", source)], contract: contract, for: call)
    default: throw .refused("give exactly one of '\(name)' (a path) and '\(name)_source' (a text)")
    }
  }

  private static func allowed(
    _ arguments: ToolArguments
  ) throws(ToolFailure) -> Set<ValidationErrorKind> {
    var kinds: Set<ValidationErrorKind> = []
    for text in try arguments.strings("unsafe_allow") {
      guard let kind = ValidationErrorKind(rawValue: text) else {
        throw .refused(
          "'unsafe_allow' knows "
            + ValidationErrorKind.allCases.map(\.rawValue).joined(separator: ", "))
      }
      kinds.insert(kind)
    }
    return kinds
  }

  private static func result(
    _ old: ToolSources.Chosen, _ new: ToolSources.Chosen, _ options: UpgradeOptions,
    _ call: ToolCall
  ) throws -> ToolResult {
    try old.access.observe?(0, 3)
    let comparison = try UpgradeComparison(
      from: UpgradeSide(old.selection, named: old.name, old.access),
      to: UpgradeSide(new.selection, named: new.name, new.access), options,
      remappings: [], pool: old.access.pool)
    try old.access.observe?(2, 3)
    let reports = try comparison.reports()
    try old.access.observe?(3, 3)
    var notes = comparison.diagnostics.lines + comparison.notes
    var byteCount = 0
    var values: [JSONValue] = []
    var texts: [String] = []
    for report in reports {
      let (value, text) = (UpgradeReportJSON(report).value, UpgradeReportText(report).text)
      byteCount += JSONText.document(value).utf8.count + text.utf8.count
      guard byteCount <= byteLimit else { break }
      values.append(value)
      texts.append(text)
    }
    let isTruncated = values.count < reports.count
    if isTruncated {
      notes.append("\(values.count) of \(reports.count) pairs are shown; name the contracts")
    }
    for note in notes { call.log(.warning, note) }
    return ToolResult(
      text: (texts + notes.map { "note: \($0)\n" }).joined(separator: "\n"),
      structured: .members([
        "safe": .bool(reports.allSatisfy(\.isSafe)), "upgrades": .array(values),
        "truncated": .bool(isTruncated), "notes": .strings(notes),
      ]))
  }
}
