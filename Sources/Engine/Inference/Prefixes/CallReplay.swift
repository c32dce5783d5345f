import DurableFiles
import JSON
import Models
import Synchronization

/// What models wrote for calls of tools, byte for byte, so that a client that sends a call back in other words (keys in
/// another order, other spacing) still gets a prompt that begins with the tokens that were computed before.
///
/// Bounded: the calls remembered first go first. May be used from several threads at once.
public final class CallReplay: Sendable {
  /// One call.
  public struct Call: Hashable, Sendable {
    /// Ties the result to the call.
    public let id: String
    /// The tool.
    public let name: String
    /// The arguments as the client got them: a JSON object.
    public let arguments: String
    /// The call as the model wrote it.
    public let verbatim: String
    /// What the model thought before it called; nil when it did not, or when that belongs to another call of the turn.
    public let reasoning: String?
  }

  private struct Contents: ~Copyable {
    var calls: [String: (call: Call, number: Int)] = [:]
    /// The newest call of each meaning: name and arguments in canonical form.
    var byMeaning: [[UInt8]: String] = [:]
    /// Call ids in the order they were remembered; those before `first`, and older numbers, do not count.
    var order: [(id: String, number: Int)] = []
    var first = 0
    var number = 0
    var byteCount = 0
    /// The length of the file.
    var fileByteCount = 0
    var file: AppendedFile?
    var notes: [String] = []
    var damagedLines = 0
  }

  private let contents: Mutex<Contents>
  private let path: String?
  private let files: any DurableFileOperations & Sendable
  private let countLimit: Int
  private let byteLimit: Int

  /// Opens a store.
  ///
  /// - Parameters:
  ///   - path: a file that keeps the calls between runs, in a directory that exists and that no other process uses (see
  ///     `PrefixDisk.callsPath`); nil for memory alone. Lines of it that are damaged are left out and counted.
  ///   - countLimit: the most calls remembered.
  ///   - byteLimit: the most bytes of their texts.
  ///   - files: how the file is written and read.
  public init(
    path: String?, countLimit: Int = 8192, byteLimit: Int = 32 << 20,
    using files: any DurableFileOperations & Sendable = SystemFiles()
  ) {
    self.path = path
    self.files = files
    self.countLimit = max(1, countLimit)
    self.byteLimit = byteLimit
    contents = Mutex(Contents())
    guard let path else { return }
    contents.withLock { read(path, into: &$0) }
  }

  /// The number of calls remembered.
  public var count: Int { contents.withLock { $0.calls.count } }
  /// Lines of the file that were damaged when it was opened.
  public var damagedLines: Int { contents.withLock { $0.damagedLines } }
  /// What a user should know, one sentence each: damage found, a full disk.
  public var notes: [String] { contents.withLock { $0.notes } }

  /// Remembers a call; one of the same id is replaced.
  ///
  /// - Parameter reasoning: what the model thought before the turn's first call.
  public func remember(
    id: String, name: String, arguments: String, verbatim: String, reasoning: String? = nil
  ) {
    let call = Call(
      id: id, name: name, arguments: arguments, verbatim: verbatim, reasoning: reasoning)
    contents.withLock { contents in
      insert(call, into: &contents)
      guard let path else { return }
      if contents.fileByteCount > 2 * byteLimit + 65_536 {
        rewrite(path, &contents)
      } else {
        append(call, path, &contents)
      }
    }
  }

  /// What the model wrote for a call, if the client sends back the call that was made: the same tool, and arguments that are
  /// equal as JSON whatever their spelling.
  public func verbatim(id: String, name: String, arguments: String) -> String? {
    call(id: id, name: name, arguments: arguments)?.verbatim
  }

  /// The call of an id, if name and arguments are those that were made.
  public func call(id: String, name: String, arguments: String) -> Call? {
    contents.withLock { contents in
      guard let found = contents.calls[id]?.call,
        Self.meaning(found.name, found.arguments) == Self.meaning(name, arguments)
      else { return nil }
      return found
    }
  }

  /// The newest call of that tool with equal arguments; for clients that drop the ids of calls.
  public func call(name: String, arguments: String) -> Call? {
    contents.withLock { contents in
      contents.byMeaning[Self.meaning(name, arguments)].flatMap { contents.calls[$0]?.call }
    }
  }

  // MARK: Meaning

  /// Bytes that are equal for equal calls: the name, and the arguments with sorted keys and without spacing. Arguments that
  /// are no JSON, or hold numbers that cannot be told apart as numbers, stand for themselves.
  private static func meaning(_ name: String, _ arguments: String) -> [UInt8] {
    let isBlank = arguments.allSatisfy(\.isWhitespace)
    let text = isBlank ? "{}" : arguments
    guard let value = try? JSONParser.parse(Array(text.utf8)), let plain = canonical(value) else {
      return Array("\(name)\u{0}\(text)".utf8)
    }
    var writer = JSONWriter(style: .compact)
    writer.value(plain)
    return Array("\(name)\u{0}\(writer.text)".utf8)
  }

  /// The value with the members of objects sorted and whole numbers written as such; nil where a number is too large for
  /// its neighbours to be told apart.
  private static func canonical(_ value: JSONValue) -> JSONValue? {
    switch value {
    case .null, .bool, .string: return value
    case .integer(let number):
      return number.magnitude < 1 << 53 ? value : nil
    case .number(let number):
      guard number.magnitude < 0x1p53 else { return nil }
      return number == number.rounded() ? .integer(Int(number)) : value
    case .array(let elements):
      var plain: [JSONValue] = []
      for element in elements {
        guard let element = canonical(element) else { return nil }
        plain.append(element)
      }
      return .array(plain)
    case .object(let members):
      var plain: [JSONMember] = []
      for member in members {
        guard let value = canonical(member.value) else { return nil }
        plain.append(JSONMember(name: member.name, value: value))
      }
      return .object(plain.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) })
    }
  }

  // MARK: Memory

  private func insert(_ call: Call, into contents: inout Contents) {
    if contents.calls[call.id] != nil { remove(call.id, from: &contents) }
    contents.number += 1
    contents.calls[call.id] = (call, contents.number)
    contents.order.append((call.id, contents.number))
    contents.byMeaning[Self.meaning(call.name, call.arguments)] = call.id
    contents.byteCount += Self.byteCount(call)
    while contents.calls.count > countLimit || contents.byteCount > byteLimit,
      contents.first < contents.order.count
    {
      let oldest = contents.order[contents.first]
      contents.first += 1
      if contents.calls[oldest.id]?.number == oldest.number { remove(oldest.id, from: &contents) }
    }
    if contents.first > 1024, contents.first * 2 > contents.order.count {
      contents.order.removeFirst(contents.first)
      contents.first = 0
    }
  }

  private func remove(_ id: String, from contents: inout Contents) {
    guard let call = contents.calls.removeValue(forKey: id)?.call else { return }
    contents.byteCount -= Self.byteCount(call)
    let meaning = Self.meaning(call.name, call.arguments)
    if contents.byMeaning[meaning] == id { contents.byMeaning[meaning] = nil }
  }

  private static func byteCount(_ call: Call) -> Int {
    64 + call.id.utf8.count + call.name.utf8.count + call.arguments.utf8.count
      + call.verbatim.utf8.count + (call.reasoning?.utf8.count ?? 0)
  }

  // MARK: File

  // A line a call: a checksum of the rest in 16 hexadecimal digits, a space, a JSON object.

  private static func line(_ call: Call) -> [UInt8] {
    var members = [
      JSONMember(name: "id", value: .string(call.id)),
      JSONMember(name: "name", value: .string(call.name)),
      JSONMember(name: "arguments", value: .string(call.arguments)),
      JSONMember(name: "verbatim", value: .string(call.verbatim)),
    ]
    if let reasoning = call.reasoning {
      members.append(JSONMember(name: "reasoning", value: .string(reasoning)))
    }
    var writer = JSONWriter(style: .compact)
    writer.value(.object(members))
    let text = Array(writer.text.utf8)
    return checksum(text[...]) + [UInt8(ascii: " ")] + text
  }

  private static func call(_ line: ArraySlice<UInt8>) -> Call? {
    let text = line.dropFirst(17)
    guard line.prefix(17).elementsEqual(checksum(text) + [UInt8(ascii: " ")]),
      let value = try? JSONParser.parse(Array(text)),
      let id = value["id"]?.stringValue, let name = value["name"]?.stringValue,
      let arguments = value["arguments"]?.stringValue,
      let verbatim = value["verbatim"]?.stringValue
    else { return nil }
    return Call(
      id: id, name: name, arguments: arguments, verbatim: verbatim,
      reasoning: value["reasoning"]?.stringValue)
  }

  private static func checksum(_ text: ArraySlice<UInt8>) -> [UInt8] {
    let sum = text.withUnsafeBytes { StateChecksum.of($0) }
    let digits = Array("0123456789abcdef".utf8)
    return (0..<16).map { digits[Int(sum >> UInt64(60 - 4 * $0) & 15)] }
  }

  /// Counts the lines of a file that are whole and those that are not, without changing it.
  static func inspect(_ path: String) -> (count: Int, damaged: Int) {
    guard let bytes = try? SystemFiles().read(path, limit: 1 << 30) else { return (0, 0) }
    var ids: Set<String> = []
    var damaged = 0
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      if let call = call(line) { ids.insert(call.id) } else { damaged += 1 }
    }
    return (ids.count, damaged)
  }

  private func read(_ path: String, into contents: inout Contents) {
    do throws(FileFailure) {
      let bytes = try files.read(path, limit: 3 * byteLimit + (1 << 20))
      for line in bytes.split(separator: UInt8(ascii: "\n")) {
        if let call = Self.call(line) {
          insert(call, into: &contents)
        } else {
          contents.damagedLines += 1
        }
      }
      contents.fileByteCount = bytes.count
      if contents.damagedLines > 0 {
        contents.notes.append("\(contents.damagedLines) damaged lines of \(path) were left out")
        rewrite(path, &contents)
      }
    } catch {
      guard !error.isMissing else { return }
      contents.notes.append("\(error); a new file is begun")
      rewrite(path, &contents)
    }
  }

  private func append(_ call: Call, _ path: String, _ contents: inout Contents) {
    do throws(FileFailure) {
      if contents.file == nil { contents.file = try AppendedFile(path, using: files) }
      let line = Self.line(call)
      contents.fileByteCount += line.count + 1
      try contents.file?.append(line: line)
    } catch {
      note(error, &contents)
    }
  }

  /// Replaces the file by one without the calls that are forgotten.
  private func rewrite(_ path: String, _ contents: inout Contents) {
    var bytes: [UInt8] = []
    for entry in contents.order[contents.first...] {
      guard let known = contents.calls[entry.id], known.number == entry.number else { continue }
      bytes += Self.line(known.call) + [UInt8(ascii: "\n")]
    }
    contents.file = nil
    do throws(FileFailure) {
      try AtomicFile.write(bytes, to: path, using: files)
      contents.fileByteCount = bytes.count
    } catch {
      note(error, &contents)
    }
  }

  private func note(_ failure: FileFailure, _ contents: inout Contents) {
    let note = "\(failure); calls are remembered until the program ends"
    if !contents.notes.contains(note), contents.notes.count < 16 { contents.notes.append(note) }
  }
}
