import DurableFiles
import Foundation
import Inference
import Models
import Testing

/// The prefix store's records on disk, on a model whose logits depend on every token of a sequence.
@Suite("Prefix store on disk")
struct PrefixDiskTests {
  static let fingerprint = StateFingerprint(bytes: (0..<32).map { UInt8($0) })

  private func text(_ count: Int, seed: Int = 1) -> [Int32] {
    (0..<count).map { Int32(($0 * 31 + seed * 17 + $0 * $0 / 7) % 50) }
  }

  private func logits(after tokens: [Int32]) throws -> [Float] {
    let session = InferenceSession(model: HashModel())
    try session.append(tokens)
    return try #require(session.logits)
  }

  private func disk(
    _ scratch: ScratchDirectory, limit: Int = 1 << 24, pause: Duration = .seconds(60),
    files: any DurableFileOperations & Sendable = ScarceFiles()
  ) throws -> PrefixDisk {
    try PrefixDisk(
      directory: scratch.path, fingerprint: Self.fingerprint, limit: limit, pause: pause,
      files: files)
  }

  /// Takes in a prompt with a store on that disk, and says how much was reused.
  @discardableResult private func take(
    _ prompt: [Int32], _ disk: PrefixDisk, memoryLimit: Int = 1 << 20, free: Bool = false
  ) throws -> (reused: Int, store: PrefixStore) {
    let model = HashModel(rollsBackFreely: free)
    let store = PrefixStore(model: model, memoryLimit: memoryLimit, disk: disk)
    let session = InferenceSession(model: model, prefixes: store)
    try session.append(prompt)
    #expect(session.logits == (try logits(after: prompt)))
    return (session.reusedTokens, store)
  }

  private func records(_ scratch: ScratchDirectory) throws -> [String] {
    try SystemFiles().entries(of: scratch.path).map(\.name).filter {
      $0.hasSuffix(".page") || $0.hasSuffix(".state")
    }
  }

  @Test("A restart finds what was kept, logits included")
  func restart() throws {
    let scratch = try ScratchDirectory()
    let prompt = text(700)
    try take(prompt, try disk(scratch, files: SystemFiles()))
    let before = try records(scratch)
    #expect(before.filter { $0.hasSuffix(".page") }.count == 5)
    do {
      let (reused, store) = try take(prompt, try disk(scratch))
      #expect(reused == 700)
      #expect(store.figures.tokensFromDisk == 700)
      #expect(store.figures.states == 1)
      #expect(store.figures.pages == 5)
    }
    #expect(try take(prompt + text(30, seed: 2), try disk(scratch)).reused == 700)
    #expect(try records(scratch).count > before.count)
  }

  @Test("Memory that holds less than the disk is filled from it")
  func smallMemory() throws {
    let scratch = try ScratchDirectory()
    let disk = try disk(scratch)
    let model = HashModel()
    // Room for one conversation only.
    let store = PrefixStore(model: model, memoryLimit: 3000, disk: disk)
    for round in 0..<3 {
      for seed in 0..<4 {
        let prompt = text(300, seed: seed) + [Int32(round)]
        let session = InferenceSession(model: model, prefixes: store)
        try session.append(prompt)
        #expect(session.reusedTokens == (round == 0 ? 0 : 300))
        #expect(session.logits == (try logits(after: prompt)))
        #expect(store.memoryByteCount <= 3000)
      }
    }
    #expect(store.figures.tokensFromDisk > 0)
  }

  @Test(
    "Any flipped bit of any record is detected; the answer is that of a cold run",
    .timeLimit(.minutes(1)))
  func flippedBytes() throws {
    let scratch = try ScratchDirectory()
    let prompt = text(300)
    let disk = try disk(scratch)
    let model = HashModel()
    let first = PrefixStore(model: model, memoryLimit: 1 << 20, disk: disk)
    try InferenceSession(model: model, prefixes: first).append(prompt)
    disk.flush()
    let expected = try logits(after: prompt + [7])
    let seed = UInt64.random(in: .min ... .max)
    print("flipped bytes: seed \(seed)")
    var step: UInt64 = seed
    for name in try records(scratch) {
      let path = "\(scratch.path)/\(name)"
      let whole = try SystemFiles().read(path, limit: 1 << 20)
      for offset in whole.indices {
        step = step &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        var damaged = whole
        damaged[offset] ^= 1 << UInt8(step >> 61)
        // Straight into the file, as a disk would: the store knows its index already.
        try Data(damaged).write(to: URL(fileURLWithPath: path))
        #expect(throws: PrefixRecord.Damage.self, "byte \(offset) of \(name)") {
          _ = try PrefixRecord(damaged, Self.fingerprint)
        }
      }
      try Data(whole).write(to: URL(fileURLWithPath: path))
    }
    // A sample of them all the way through a store that has its index already.
    let names = try records(scratch)
    var contents: [String: [UInt8]] = [:]
    for name in names {
      contents[name] = try SystemFiles().read("\(scratch.path)/\(name)", limit: 1 << 20)
    }
    for round in 0..<40 {
      let other = try ScratchDirectory()
      for (name, bytes) in contents {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(other.path)/\(name)"))
      }
      let opened = try PrefixDisk(
        directory: other.path, fingerprint: Self.fingerprint, limit: 1 << 24, files: ScarceFiles())
      let cold = HashModel()
      let store = PrefixStore(model: cold, memoryLimit: 1 << 20, disk: opened)
      step = step &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let name = names[Int(step >> 33) % names.count]
      var bytes = contents[name] ?? []
      let offset = Int(step >> 13) % bytes.count
      bytes[offset] ^= 1 << UInt8(round % 8)
      try Data(bytes).write(to: URL(fileURLWithPath: "\(other.path)/\(name)"))
      let match = store.resume(prompt + [7])
      #expect(match.count < 300)
      #expect(match.miss?.reason == .damagedOnDisk)
      #expect(opened.figures.damaged == 1)
      #expect(opened.notes.count == 1)
      let session = InferenceSession(model: cold, prefixes: store)
      try session.append(prompt + [7])
      #expect(session.logits == expected)
      // What was recomputed is written again and whole.
      opened.flush()
      #expect(store.resume(prompt + [7, 8]).count == 301)
    }
  }

  @Test("Damage found at opening is removed and counted; what builds on it is not used")
  func damagedAtOpening() throws {
    for kind in [".page", ".state"] {
      let scratch = try ScratchDirectory()
      let prompt = text(520)
      try take(prompt, try disk(scratch))
      let name = try #require(try records(scratch).first { $0.hasSuffix(kind) })
      let path = "\(scratch.path)/\(name)"
      let bytes = try SystemFiles().read(path, limit: 1 << 20)
      for length in [0, 1, 100, 400, bytes.count - 1] {
        try Data(bytes[..<length]).write(to: URL(fileURLWithPath: path))
        let opened = try disk(scratch)
        #expect(opened.figures.damaged == 1)
        let (reused, _) = try take(prompt, opened)
        #expect(reused == 0)
        opened.flush()
      }
    }
  }

  @Test("What a killed process left half written is cleaned up")
  func halfWritten() throws {
    let scratch = try ScratchDirectory()
    let prompt = text(520)
    try take(prompt, try disk(scratch))
    let names = try records(scratch)
    let page = try #require(names.first { $0.hasSuffix(".page") })
    let state = try #require(names.first { $0.hasSuffix(".state") })
    // Killed before the state was renamed: its pages lead nowhere.
    try FileManager.default.moveItem(
      atPath: "\(scratch.path)/\(state)", toPath: "\(scratch.path)/\(state).123.tmp")
    try Data([1, 2, 3]).write(to: URL(fileURLWithPath: "\(scratch.path)/\(page).9.tmp"))
    try Data([1, 2, 3]).write(to: URL(fileURLWithPath: "\(scratch.path)/notes.txt"))
    let opened = try disk(scratch)
    #expect(opened.figures.states == 0)
    #expect(opened.figures.pages == 0)
    #expect(opened.figures.byteCount == 0)
    let left = try SystemFiles().entries(of: scratch.path).map(\.name)
    #expect(left == ["lock", "notes.txt"])
    #expect(try take(prompt, opened).reused == 0)
    opened.flush()
    #expect(try records(scratch) == names)
  }

  @Test("Killed after any number of files was written, the store is usable and never wrong")
  func killedAnywhere() throws {
    let scratch = try ScratchDirectory()
    let first = text(400)
    let second = Array(first[..<250]) + text(300, seed: 3)
    let opened = try disk(scratch)
    let model = HashModel()
    let store = PrefixStore(model: model, memoryLimit: 1 << 20, disk: opened)
    for prompt in [first, second] {
      try InferenceSession(model: model, prefixes: store).append(prompt)
    }
    opened.flush()
    let names = try SystemFiles().entries(of: scratch.path).filter { $0.name != "lock" }
      .sorted { $0.modified < $1.modified }.map(\.name)
    #expect(names.count >= 7)
    for count in 0...names.count {
      let killed = try ScratchDirectory()
      for name in names[..<count] {
        try FileManager.default.copyItem(
          atPath: "\(scratch.path)/\(name)", toPath: "\(killed.path)/\(name)")
      }
      for prompt in [first + [9], second + [9]] {
        let (reused, _) = try take(prompt, try disk(killed))
        if count == names.count { #expect(reused == prompt.count - 1) }
      }
    }
  }

  @Test("The limit holds, the states used longest ago go first, shared pages stay")
  func limit() throws {
    let scratch = try ScratchDirectory()
    let limit = 20_000
    let opened = try disk(scratch, limit: limit)
    let model = HashModel()
    let store = PrefixStore(model: model, memoryLimit: 1 << 20, disk: opened)
    let shared = text(256, seed: 50)
    for seed in 0..<12 {
      try InferenceSession(model: model, prefixes: store).append(shared + text(200, seed: seed))
      #expect(opened.figures.byteCount <= limit)
      // The first one is used again and again.
      _ = store.resume(shared + text(200, seed: 0) + [1])
    }
    opened.flush()
    let bytes = try SystemFiles().entries(of: scratch.path).reduce(0) { $0 + $1.byteCount }
    #expect(bytes == opened.figures.byteCount)
    #expect(bytes <= limit)
    #expect(opened.figures.evicted > 0)
    #expect(opened.figures.states > 2)
    let figures = opened.figures
    _ = consume store
    let (copy, fresh) = try reopened(scratch, opened, limit: limit)
    defer { withExtendedLifetime(copy) {} }
    #expect(fresh.figures.pages == figures.pages)
    #expect(fresh.figures.states == figures.states)
    let again = PrefixStore(model: model, memoryLimit: 1 << 20, disk: fresh)
    #expect(again.resume(shared + text(200, seed: 0) + [1]).count == 456)
    #expect(again.resume(shared + text(200, seed: 11) + [1]).count == 456)
    let gone = again.resume(shared + text(200, seed: 1) + [1])
    #expect(gone.count == 0 || gone.count == 256)
  }

  /// The directory opened a second time, as by a process that copied it.
  private func reopened(
    _ scratch: ScratchDirectory, _ disk: PrefixDisk, limit: Int
  ) throws -> (ScratchDirectory, PrefixDisk) {
    let copy = try ScratchDirectory()
    for entry in try SystemFiles().entries(of: scratch.path) where entry.name != "lock" {
      try FileManager.default.copyItem(
        atPath: "\(scratch.path)/\(entry.name)", toPath: "\(copy.path)/\(entry.name)")
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: Double(entry.modified) / 1e9)],
        ofItemAtPath: "\(copy.path)/\(entry.name)")
    }
    return (copy, try self.disk(copy, limit: limit))
  }

  @Test("A full disk costs persistence only, and is over when there is room again")
  func fullDisk() throws {
    let scratch = try ScratchDirectory()
    let files = ScarceFiles()
    let opened = try disk(scratch, pause: .zero, files: files)
    let model = HashModel()
    let store = PrefixStore(model: model, memoryLimit: 1 << 20, disk: opened)
    files.setRemaining(1500)
    let prompt = text(700)
    try InferenceSession(model: model, prefixes: store).append(prompt)
    opened.flush()
    #expect(store.resume(prompt + [1]).count == 700)
    #expect(opened.notes.contains { $0.contains("No space left") })
    #expect(opened.figures.failedWrites > 0)
    #expect(opened.figures.states == 0)
    // Nothing half written lies about under a record's name.
    for name in try records(scratch) {
      let bytes = try SystemFiles().read("\(scratch.path)/\(name)", limit: 1 << 20)
      _ = try PrefixRecord(bytes, Self.fingerprint)
    }
    files.setRemaining(nil)
    try InferenceSession(model: model, prefixes: store).append(prompt + text(20, seed: 2))
    opened.flush()
    _ = store.resume([1])
    #expect(opened.figures.states > 0)
    #expect(
      opened.figures.byteCount
        == (try SystemFiles().entries(of: scratch.path)).reduce(0) { $0 + $1.byteCount })
  }

  @Test("A directory belongs to one process at a time")
  func locked() throws {
    let scratch = try ScratchDirectory()
    let first = try disk(scratch)
    let error = #expect(throws: PrefixDiskError.self) { try self.disk(scratch) }
    #expect("\(try #require(error))".contains("another process"))
    first.flush()
    withExtendedLifetime(first) {}
  }

  @Test("Another model's records are not used")
  func otherModel() throws {
    let scratch = try ScratchDirectory()
    let prompt = text(300)
    try take(prompt, try disk(scratch))
    let other = try PrefixDisk(
      directory: scratch.path, fingerprint: StateFingerprint(bytes: Array(repeating: 7, count: 32)),
      limit: 1 << 24)
    #expect(other.figures.damaged == 3)
    #expect(try take(prompt, other).reused == 0)
  }

  @Test("Records of random bytes and random changes are refused with a reason, never a crash")
  func mutatedRecords() throws {
    let seed = UInt64.random(in: .min ... .max)
    print("mutated records: seed \(seed)")
    var state = seed
    func next() -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33)
    }
    let whole = PrefixRecord(
      .state, after: .none, tokens: text(40), count: 40, oldestRollback: 24, isEnd: true,
      content: (0..<200).map { UInt8($0) }, logits: [1, 2, 3]
    ).bytes(Self.fingerprint)
    #expect(try PrefixRecord(whole, Self.fingerprint).logits == [1, 2, 3])
    for round in 0..<20_000 {
      var bytes = whole
      switch next() % 5 {
      case 0: bytes = Array(bytes.prefix(next() % bytes.count))
      case 1: bytes.insert(UInt8(next() % 256), at: next() % bytes.count)
      case 2: bytes.removeSubrange(0..<(1 + next() % 16))
      case 3:
        let offset = next() % (bytes.count - 8)
        for index in 0..<8 { bytes[offset + index] = UInt8(next() % 256) }
      default:
        // A header whose checksum fits.
        let offset = 112 + next() % 40
        bytes[offset] = UInt8(next() % 256)
        let end = 152 + 4 * 40
        let sum = bytes.withUnsafeBytes { StateChecksum.of(.init(rebasing: $0[..<end])) }
        for index in 0..<8 { bytes[end + index] = UInt8(truncatingIfNeeded: sum >> (8 * index)) }
      }
      guard bytes != whole else { continue }
      #expect(throws: PrefixRecord.Damage.self, "round \(round)") {
        _ = try PrefixRecord(bytes, Self.fingerprint)
      }
    }
  }
}
