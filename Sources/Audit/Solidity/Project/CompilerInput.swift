/// The sources named or carried by a JSON file of the compiler or of a build tool.
///
/// Reads the compiler's standard-JSON input, `build-info` files of Hardhat and Foundry (with the input or,
/// as newer Foundry writes them, with paths alone), standard-JSON and combined-JSON output, and the
/// `name -> content` objects of block explorers.
///
/// Source: Solidity documentation, "Compiler Input and Output JSON Description".
package struct CompilerInput: Hashable, Sendable {
  /// One source carried in the file.
  package struct Source: Hashable, Sendable {
    package let name: String
    package let bytes: [UInt8]
  }

  /// The sources carried in the file, by name.
  package private(set) var sources: [Source] = []
  /// Names of sources whose text is not in the file.
  package private(set) var pathsOnly: [String] = []
  /// The remappings of the input's settings.
  package private(set) var remappings: [Remapping] = []

  /// The largest JSON file that is read.
  static let maximumSize = 512 << 20

  package init(path: String, bytes: [UInt8]) throws(ProjectError) {
    var bytes = bytes
    // Block explorers put a second pair of braces around standard JSON.
    if bytes.starts(with: [UInt8(ascii: "{"), UInt8(ascii: "{")]),
      let last = bytes.lastIndex(of: UInt8(ascii: "}"))
    {
      bytes = Array(bytes[1..<last])
    }
    var scanner = JSONScanner(bytes)
    guard scanner.nextIsObject else {
      throw .badInput(
        path: path, message: "not a JSON object; expected standard JSON or build-info")
    }
    do {
      try readRoot(&scanner)
    } catch {
      let line = bytes.prefix(error.offset).count { $0 == 0x0A } + 1
      throw .badInput(path: path, message: "line \(line): \(error.message); not valid JSON")
    }
    guard !sources.isEmpty || !pathsOnly.isEmpty else {
      throw .badInput(
        path: path,
        message: "no sources in this JSON file; "
          + "expected standard JSON (\"sources\") or a build-info file (\"input\")")
    }
    sources.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    pathsOnly = Set(pathsOnly).subtracting(sources.map(\.name)).sorted()
    // A compiler's output beside its input names the same files once more.
    if !sources.isEmpty { pathsOnly = [] }
  }

  private mutating func readRoot(_ scanner: inout JSONScanner) throws(JSONScanError) {
    var read = self
    try scanner.object { (scanner, name) throws(JSONScanError) in
      switch name {
      case "input" where scanner.nextIsObject: try read.readRoot(&scanner)
      case "sources" where scanner.nextIsObject: try read.readSources(&scanner)
      case "settings" where scanner.nextIsObject: try read.readSettings(&scanner)
      case "source_id_to_path" where scanner.nextIsObject:
        try scanner.object { (scanner, _) throws(JSONScanError) in
          if scanner.nextIsString {
            read.pathsOnly.append(try scanner.string())
          } else {
            try scanner.skip()
          }
        }
      case "sourceList" where scanner.nextIsArray:
        try scanner.array { (scanner) throws(JSONScanError) in
          if scanner.nextIsString {
            read.pathsOnly.append(try scanner.string())
          } else {
            try scanner.skip()
          }
        }
      default:
        if name.hasSuffix(".sol"), scanner.nextIsObject {
          try read.readSource(named: name, &scanner)
        } else {
          try scanner.skip()
        }
      }
    }
    self = read
  }

  private mutating func readSources(_ scanner: inout JSONScanner) throws(JSONScanError) {
    var read = self
    try scanner.object { (scanner, name) throws(JSONScanError) in
      if scanner.nextIsObject {
        try read.readSource(named: name, &scanner)
      } else {
        try scanner.skip()
      }
    }
    self = read
  }

  private mutating func readSource(
    named name: String, _ scanner: inout JSONScanner
  ) throws(JSONScanError) {
    var content: [UInt8]?
    try scanner.object { (scanner, key) throws(JSONScanError) in
      if key == "content", scanner.nextIsString {
        content = try scanner.stringBytes()
      } else {
        try scanner.skip()
      }
    }
    if let content {
      sources.append(Source(name: name, bytes: content))
    } else {
      pathsOnly.append(name)
    }
  }

  private mutating func readSettings(_ scanner: inout JSONScanner) throws(JSONScanError) {
    var rules: [Remapping] = []
    try scanner.object { (scanner, key) throws(JSONScanError) in
      guard key == "remappings", scanner.nextIsArray else { return try scanner.skip() }
      try scanner.array { (scanner) throws(JSONScanError) in
        guard scanner.nextIsString else { return try scanner.skip() }
        if let rule = Remapping(parsing: try scanner.string()) { rules.append(rule) }
      }
    }
    remappings += rules
  }
}
