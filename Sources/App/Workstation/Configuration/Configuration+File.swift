import DurableFiles
import Yams

extension Configuration {
  /// What a file says.
  struct File {
    var entries: [ConfigurationKey: Entry] = [:]
    var contextServers: [ContextServer] = []
    var contextRoots: [String] = []
  }

  /// Reads a file's content: YAML 1.1, one mapping.
  ///
  /// - Throws: `ConfigurationError.content` with the line.
  static func parse(_ bytes: [UInt8], path: String) throws(ConfigurationError) -> File {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .content(path: path, line: 1, column: 0, reason: "the file is not UTF-8")
    }
    try checkNesting(text, path: path)
    let root: Node?
    do {
      root = try compose(yaml: text)
    } catch let error as YamlError {
      throw content(error, path: path)
    } catch {
      throw .content(path: path, line: 1, column: 0, reason: "\(error)")
    }
    var file = File()
    guard let root, root != Node("", Tag(.null)) else { return file }
    let reader = NodeReader(path: path)
    for (name, node) in try reader.members(root, of: "the file") {
      if name.text == "mcp" {
        try readContext(node, into: &file, reader)
        continue
      }
      guard let key = ConfigurationKey(rawValue: name.text) else {
        let known = (ConfigurationKey.allCases.map(\.rawValue) + ["mcp"]).joined(separator: ", ")
        throw reader.error(name.node, "there is no setting '\(name.text)'; known: \(known)")
      }
      file.entries[key] = Entry(
        value: try value(node, of: key, reader),
        origin: .file(path: path, line: reader.line(name.node)))
    }
    return file
  }

  private static func value(
    _ node: Node, of key: ConfigurationKey, _ reader: NodeReader
  ) throws(ConfigurationError) -> ConfigurationValue {
    if key.form == .list { return .list(try reader.texts(node, of: key.rawValue)) }
    let text = try reader.text(node, of: key.rawValue)
    do throws(ConfigurationValue.InvalidValue) {
      return try ConfigurationValue(text, form: key.form)
    } catch {
      throw reader.error(node, "\(key.rawValue) \(error.reason)")
    }
  }

  private static func readContext(
    _ node: Node, into file: inout File, _ reader: NodeReader
  ) throws(ConfigurationError) {
    for (name, node) in try reader.members(node, of: "mcp") {
      switch name.text {
      case "roots": file.contextRoots = try reader.texts(node, of: "mcp.roots")
      case "servers":
        for (name, node) in try reader.members(node, of: "mcp.servers") {
          file.contextServers.append(try contextServer(name.text, at: name.node, node, reader))
        }
      default:
        throw reader.error(
          name.node, "there is no setting 'mcp.\(name.text)'; known: roots, servers")
      }
    }
  }

  private static func contextServer(
    _ name: String, at nameNode: Node, _ node: Node, _ reader: NodeReader
  ) throws(ConfigurationError) -> ContextServer {
    let path = "mcp.servers.\(name)"
    let isPlain =
      !name.isEmpty
      && name.utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
        default: false
        }
      }
    guard isPlain else {
      throw reader.error(nameNode, "the name '\(name)' must be letters, digits, '-' and '_'")
    }
    var command: String?
    var arguments: [String] = []
    var environment: [ContextServer.Variable] = []
    for (key, node) in try reader.members(node, of: path) {
      switch key.text {
      case "command": command = try reader.text(node, of: path + ".command")
      case "args": arguments = try reader.texts(node, of: path + ".args")
      case "env":
        for (variable, node) in try reader.members(node, of: path + ".env") {
          environment.append(
            .init(
              name: variable.text,
              value: try reader.text(node, of: "\(path).env.\(variable.text)")))
        }
      default:
        throw reader.error(
          key.node, "there is no setting '\(path).\(key.text)'; known: command, args, env")
      }
    }
    guard let command, !command.isEmpty else {
      throw reader.error(nameNode, "\(path) needs a command")
    }
    return ContextServer(
      name: name, command: command, arguments: arguments,
      environment: environment.sorted { $0.name < $1.name },
      origin: .file(path: reader.path, line: reader.line(nameNode)))
  }

  /// Refuses nesting that no settings have before the recursive parser sees it. Brackets inside quoted texts count too,
  /// which only makes the bound stricter.
  private static func checkNesting(_ text: String, path: String) throws(ConfigurationError) {
    var line = 1
    var depth = 0
    var indents: [Int] = []
    for row in text.split(separator: "\n", omittingEmptySubsequences: false) {
      let indent = row.utf8.prefix { $0 == 0x20 || $0 == 0x2D || $0 == 0x3F }.count
      if row.utf8.count > indent {
        while let last = indents.last, last >= indent { indents.removeLast() }
        indents.append(indent)
      }
      for byte in row.utf8 {
        if byte == UInt8(ascii: "[") || byte == UInt8(ascii: "{") { depth += 1 }
        if byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}") { depth = max(0, depth - 1) }
        guard depth <= 64 else {
          throw .content(path: path, line: line, column: 0, reason: "nested too deeply")
        }
      }
      guard indent <= 256, indents.count <= 64 else {
        throw .content(path: path, line: line, column: 0, reason: "nested too deeply")
      }
      line += 1
    }
  }

  private static func content(_ error: YamlError, path: String) -> ConfigurationError {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return .content(path: path, line: mark.line, column: mark.column, reason: problem)
    case .duplicatedKeysInMapping(let duplicates, let context):
      let names = duplicates.map(\.description).sorted().joined(separator: ", ")
      return .content(
        path: path, line: context.mark.line, column: context.mark.column,
        reason: "set more than once: \(names)")
    default:
      return .content(path: path, line: 1, column: 0, reason: "\(error)")
    }
  }
}

/// Takes nodes of YAML apart and tells where they are.
private struct NodeReader {
  struct Name {
    let text: String
    let node: Node
  }

  let path: String

  func line(_ node: Node) -> Int { node.mark?.line ?? 1 }

  func error(_ node: Node, _ reason: String) -> ConfigurationError {
    .content(
      path: path, line: node.mark?.line ?? 1, column: node.mark?.column ?? 0, reason: reason)
  }

  func members(_ node: Node, of name: String) throws(ConfigurationError) -> [(Name, Node)] {
    guard case .mapping(let mapping) = node else {
      throw error(node, "\(name) must be a mapping of names to values")
    }
    var members: [(Name, Node)] = []
    for (key, value) in mapping {
      guard case .scalar(let scalar) = key else {
        throw error(key, "the names in \(name) must be plain texts")
      }
      members.append((Name(text: scalar.string, node: key), value))
    }
    return members
  }

  func text(_ node: Node, of name: String) throws(ConfigurationError) -> String {
    guard case .scalar(let scalar) = node else {
      throw error(node, "\(name) must be a single value")
    }
    return scalar.string
  }

  func texts(_ node: Node, of name: String) throws(ConfigurationError) -> [String] {
    guard case .sequence(let sequence) = node else {
      throw error(node, "\(name) must be a list: [first, second]")
    }
    var texts: [String] = []
    for element in sequence { texts.append(try text(element, of: name)) }
    return texts
  }
}
