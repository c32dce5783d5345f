/// A setting that the configuration file, the environment and options can give.
public enum ConfigurationKey: String, CaseIterable, Sendable {
  case model
  case host
  case port
  case socket
  case allowHosts = "allow_hosts"
  case allowOrigins = "allow_origins"
  case threads
  case context
  case sequences
  case cacheMemory = "cache_memory"
  case diskBudget = "disk_budget"
  case thinking
  case constrainCalls = "constrain_calls"
  case grace
  case log

  /// What a value of it looks like.
  public enum Form: Hashable, Sendable {
    /// Any text that is not empty.
    case text
    /// One of some words.
    case word([String])
    /// A whole number in a range.
    case integer(ClosedRange<Int>)
    /// A number of bytes: whole, or with a unit: `512MiB`, `8GiB`, `2GB`.
    case byteCount
    /// Several texts: a sequence in the file, separated by commas in the environment.
    case list
  }

  /// What a value looks like.
  public var form: Form {
    switch self {
    case .model, .host, .socket: .text
    case .port: .integer(0...65535)
    case .allowHosts, .allowOrigins: .list
    case .threads: .integer(1...1024)
    case .context: .integer(1...(1 << 24))
    case .sequences: .integer(1...256)
    case .cacheMemory, .diskBudget: .byteCount
    case .thinking: .word(["off", "on", "high", "max"])
    case .constrainCalls: .word(["auto", "on", "off"])
    case .grace: .integer(0...86400)
    case .log: .word(["auto", "json", "text"])
    }
  }

  /// What it is for, in one line.
  public var summary: String {
    switch self {
    case .model: "the model that is served when none is named: a file or a registered name"
    case .host: "the address to listen on; 127.0.0.1 and ::1 when left out"
    case .port: "the port to listen on; 0 for a free one"
    case .socket: "a socket in the file system to listen on besides"
    case .allowHosts: "names in the Host field that are answered besides this machine's own"
    case .allowOrigins: "web origins whose pages may use the server"
    case .threads: "compute threads"
    case .context: "the longest conversation in tokens"
    case .sequences: "how many answers are made at a time"
    case .cacheMemory: "memory for known prefixes of conversations"
    case .diskBudget: "disk space for known prefixes; 0 for none"
    case .thinking: "how long to think when a request does not say"
    case .constrainCalls: "whether calls of tools must follow their schemas"
    case .grace: "seconds that running answers get when the server is told to stop"
    case .log: "how log lines look"
    }
  }

  /// The environment variable that sets it: `MASLIN_CACHE_MEMORY`.
  public var variable: String { "MASLIN_" + rawValue.uppercased() }
}

/// The value of a setting.
public enum ConfigurationValue: Hashable, Sendable, CustomStringConvertible {
  case text(String)
  case integer(Int)
  case list([String])

  /// As it would be written on one line.
  public var description: String {
    switch self {
    case .text(let text): text
    case .integer(let number): String(number)
    case .list(let texts): "[" + texts.joined(separator: ", ") + "]"
    }
  }

  /// Reads a value; what is wrong with it otherwise.
  init(_ text: String, form: ConfigurationKey.Form) throws(InvalidValue) {
    switch form {
    case .text:
      guard !text.isEmpty else { throw InvalidValue("must not be empty") }
      self = .text(text)
    case .word(let words):
      guard words.contains(text) else {
        throw InvalidValue("is '\(text)'; it must be one of \(words.joined(separator: ", "))")
      }
      self = .text(text)
    case .integer(let range):
      guard let number = Int(text), range.contains(number) else {
        throw InvalidValue(
          "is '\(text)'; it must be a whole number from \(range.lowerBound) to \(range.upperBound)")
      }
      self = .integer(number)
    case .byteCount: self = .integer(try Self.byteCount(text))
    case .list:
      self = .list(
        text.split(separator: ",").map { part in
          String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }.filter { !$0.isEmpty })
    }
  }

  /// Why a value is refused.
  struct InvalidValue: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
  }

  /// `1024`, `512KiB`, `8 GiB`, `2GB`.
  static func byteCount(_ text: String) throws(InvalidValue) -> Int {
    let units = [
      ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("kB", 1000),
      ("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1),
    ]
    let unit = units.first { text.hasSuffix($0.0) }
    let digits = String(text.dropLast(unit?.0.count ?? 0).filter { $0 != " " })
    guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(digits) else {
      throw InvalidValue("is '\(text)'; it must be a number of bytes such as 512MiB or 8GiB")
    }
    let (product, overflow) = number.multipliedReportingOverflow(by: unit?.1 ?? 1)
    guard !overflow else { throw InvalidValue("is '\(text)', which is too large") }
    return product
  }
}
