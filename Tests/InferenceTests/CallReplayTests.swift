import DurableFiles
import Foundation
import Inference
import Testing

/// A directory that goes with the test.
final class ScratchDirectory: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/maslin-prefixes-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// File operations of the system, with a disk that can be full, and without waiting for it: no test cuts the power.
final class ScarceFiles: DurableFileOperations, @unchecked Sendable {
  private let system = SystemFiles()
  private let lock = NSLock()
  private var remaining: Int?

  /// How many more bytes can be written; nil for any number.
  func setRemaining(_ count: Int?) { lock.withLock { remaining = count } }

  func read(_ path: String, limit: Int) throws(FileFailure) -> [UInt8] {
    try system.read(path, limit: limit)
  }
  func create(_ path: String) throws(FileFailure) -> Int32 { try system.create(path) }
  func write(
    _ bytes: ArraySlice<UInt8>, to descriptor: Int32, path: String
  ) throws(FileFailure) -> Int {
    let room = lock.withLock { remaining.map { min($0, bytes.count) } ?? bytes.count }
    guard room > 0 else {
      throw FileFailure(operation: "write", path: path, reason: "No space left on device")
    }
    let count = try system.write(bytes.prefix(room), to: descriptor, path: path)
    lock.withLock { if let left = remaining { remaining = left - count } }
    return count
  }
  func flush(_ descriptor: Int32, path: String) throws(FileFailure) {}
  func close(_ descriptor: Int32, path: String) throws(FileFailure) {
    try system.close(descriptor, path: path)
  }
  func rename(_ path: String, to target: String) throws(FileFailure) {
    try system.rename(path, to: target)
  }
  func flushDirectory(_ path: String) throws(FileFailure) {}
  func remove(_ path: String) { system.remove(path) }
}

@Suite("Exact replay of tool calls")
struct CallReplayTests {
  private let verbatim = "<call name=\"get\">\n  {\"b\": 1,   \"a\": [1.0, \"x\"]}</call>\u{0}é"

  @Test("Arguments count as JSON, whatever their spelling")
  func equality() {
    let replay = CallReplay(path: nil)
    replay.remember(
      id: "c1", name: "get", arguments: #"{"b": 1, "a": [1.0, "x", {"q": null, "p": true}]}"#,
      verbatim: verbatim)
    for same in [
      #"{"b": 1, "a": [1.0, "x", {"q": null, "p": true}]}"#,
      #"{"a":[1,"x",{"p":true,"q":null}],"b":1}"#,
      #"{ "a" : [ 1e0 , "\u0078" , { "p" : true , "q" : null } ] , "b" : 1.0 }"#,
    ] {
      #expect(replay.verbatim(id: "c1", name: "get", arguments: same) == verbatim)
      #expect(replay.call(name: "get", arguments: same)?.id == "c1")
    }
    for other in [
      #"{"b": 2, "a": [1.0, "x", {"q": null, "p": true}]}"#,
      #"{"b": 1, "a": ["x", 1.0, {"q": null, "p": true}]}"#,
      #"{"b": 1, "a": [1.0, "x", {"q": null, "p": true}], "c": 0}"#,
      #"{"b": 1, "a": [1.0, "X", {"q": null, "p": true}]}"#, "{}", "", "[", "null",
    ] {
      #expect(replay.verbatim(id: "c1", name: "get", arguments: other) == nil)
    }
    let arguments = #"{"b": 1, "a": [1.0, "x", {"q": null, "p": true}]}"#
    #expect(replay.verbatim(id: "c1", name: "put", arguments: arguments) == nil)
    #expect(replay.verbatim(id: "c2", name: "get", arguments: arguments) == nil)
  }

  @Test("Numbers that JSON parsers round are not taken for one another; no arguments are {}")
  func corners() {
    let replay = CallReplay(path: nil)
    replay.remember(id: "n", name: "f", arguments: #"{"n": 12345678901234567890}"#, verbatim: "v")
    #expect(replay.verbatim(id: "n", name: "f", arguments: #"{"n": 12345678901234567890}"#) == "v")
    #expect(replay.verbatim(id: "n", name: "f", arguments: #"{"n": 12345678901234567891}"#) == nil)
    // Texts that look alike and are not.
    replay.remember(id: "u", name: "f", arguments: "{\"t\":\"\u{e9}\"}", verbatim: "v")
    #expect(replay.verbatim(id: "u", name: "f", arguments: "{\"t\":\"e\u{301}\"}") == nil)
    replay.remember(id: "e", name: "f", arguments: "{}", verbatim: "w")
    #expect(replay.verbatim(id: "e", name: "f", arguments: " ") == "w")
    replay.remember(id: "x", name: "f", arguments: "no json", verbatim: "y")
    #expect(replay.verbatim(id: "x", name: "f", arguments: "no json") == "y")
    #expect(replay.verbatim(id: "x", name: "f", arguments: "no  json") == nil)
    // The newest of equal calls is the one found without an id.
    replay.remember(id: "e2", name: "f", arguments: "{ }", verbatim: "z")
    #expect(replay.call(name: "f", arguments: "{}")?.id == "e2")
    replay.remember(id: "e", name: "f", arguments: "{}", verbatim: "changed")
    #expect(replay.verbatim(id: "e", name: "f", arguments: "{}") == "changed")
  }

  @Test("The oldest go first")
  func bounds() {
    let replay = CallReplay(path: nil, countLimit: 10)
    for index in 0..<5000 {
      replay.remember(id: "\(index)", name: "f", arguments: "{\"i\":\(index)}", verbatim: "v")
    }
    #expect(replay.count == 10)
    #expect(replay.verbatim(id: "4990", name: "f", arguments: #"{"i":4990}"#) == "v")
    #expect(replay.verbatim(id: "4989", name: "f", arguments: #"{"i":4989}"#) == nil)
    #expect(replay.call(name: "f", arguments: #"{"i":4989}"#) == nil)
    let small = CallReplay(path: nil, byteLimit: 1000)
    for index in 0..<20 {
      small.remember(
        id: "\(index)", name: "f", arguments: "{}", verbatim: String(repeating: "x", count: 300))
    }
    #expect(small.count == 2)
  }

  @Test("Calls survive the process, however it ends")
  func restart() throws {
    let scratch = try ScratchDirectory()
    let path = scratch.path + "/calls.log"
    for round in 0..<3 {
      let replay = CallReplay(path: path)
      #expect(replay.count == round * 2)
      #expect(replay.damagedLines == 0)
      replay.remember(
        id: "a\(round)", name: "f", arguments: "{\"line\": \"a\\nb\"}", verbatim: verbatim,
        reasoning: "first\nthen")
      replay.remember(id: "b\(round)", name: "g", arguments: "{}", verbatim: "")
      // Every store goes away without being told to finish.
    }
    let replay = CallReplay(path: path)
    let call = try #require(replay.call(id: "a1", name: "f", arguments: #"{"line":"a\u000ab"}"#))
    #expect(call.verbatim == verbatim)
    #expect(call.reasoning == "first\nthen")
    #expect(replay.call(id: "b2", name: "g", arguments: "")?.reasoning == nil)
  }

  @Test("A damaged or torn line costs that call alone")
  func damage() throws {
    let scratch = try ScratchDirectory()
    let path = scratch.path + "/calls.log"
    let whole = CallReplay(path: path)
    for index in 0..<5 {
      whole.remember(id: "\(index)", name: "f", arguments: "{}", verbatim: "v\(index)")
    }
    let bytes = try SystemFiles().read(path, limit: 1 << 20)
    var generator = SystemRandomNumberGenerator()
    let seed = UInt64.random(in: .min ... .max, using: &generator)
    print("damaged lines: seed \(seed)")
    for step in 0..<bytes.count {
      var damaged = bytes
      damaged[step] ^= 1 << UInt8(truncatingIfNeeded: (seed &+ UInt64(step)) % 8)
      try AtomicFile.write(damaged, to: path)
      let replay = CallReplay(path: path)
      // A flipped line break makes two lines one, or one two.
      #expect((3...4).contains(replay.count) || bytes[step] == UInt8(ascii: "\n"))
      #expect(replay.count < 5 || bytes[step] == UInt8(ascii: "\n") || step == 0)
      for index in 0..<5 {
        let found = replay.verbatim(id: "\(index)", name: "f", arguments: "{}")
        #expect(found == nil || found == "v\(index)")
      }
    }
    try AtomicFile.write(Array(bytes.dropLast(9)), to: path)
    let torn = CallReplay(path: path)
    #expect(torn.count == 4)
    #expect(torn.damagedLines == 1)
    torn.remember(id: "6", name: "f", arguments: "{}", verbatim: "v6")
    #expect(CallReplay(path: path).count == 5)
    #expect(CallReplay(path: path).damagedLines == 0)
  }

  @Test("A full disk costs persistence, not calls; the file stays readable")
  func fullDisk() throws {
    let scratch = try ScratchDirectory()
    let path = scratch.path + "/calls.log"
    let files = ScarceFiles()
    let replay = CallReplay(path: path, using: files)
    replay.remember(id: "0", name: "f", arguments: "{}", verbatim: "v0")
    files.setRemaining(20)
    replay.remember(id: "1", name: "f", arguments: "{}", verbatim: "v1")
    #expect(replay.verbatim(id: "1", name: "f", arguments: "{}") == "v1")
    #expect(replay.notes.contains { $0.contains("No space left") })
    files.setRemaining(nil)
    replay.remember(id: "2", name: "f", arguments: "{}", verbatim: "v2")
    let again = CallReplay(path: path)
    #expect(again.verbatim(id: "0", name: "f", arguments: "{}") == "v0")
    #expect(again.verbatim(id: "1", name: "f", arguments: "{}") == nil)
    #expect(again.verbatim(id: "2", name: "f", arguments: "{}") == "v2")
  }

  @Test("The file does not grow without end")
  func compaction() throws {
    let scratch = try ScratchDirectory()
    let path = scratch.path + "/calls.log"
    let replay = CallReplay(path: path, countLimit: 4, byteLimit: 4000)
    for index in 0..<600 {
      replay.remember(
        id: "\(index)", name: "f", arguments: "{}", verbatim: String(repeating: "x", count: 500))
    }
    #expect(try SystemFiles().read(path, limit: 1 << 20).count < 80_000)
    #expect(CallReplay(path: path, countLimit: 4).count == 4)
  }
}
