import DurableFiles
import Inference
import Models
import Testing

/// What the prefix store counts and finds, against doing the same by looking at everything.
@Suite("Prefix store against brute force")
struct PrefixAccountingTests {
  private struct Numbers: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      var mixed = state
      mixed = (mixed ^ (mixed >> 33)) &* 0xff51_afd7_ed55_8ccd
      return mixed ^ (mixed >> 33)
    }
  }

  private func common(_ one: [Int32], _ other: [Int32]) -> Int {
    zip(one, other).prefix { $0 == $1 }.count
  }

  @Test("Bytes, limits and the longest reusable prefix", arguments: [true, false])
  func random(free: Bool) throws {
    let seed = UInt64.random(in: .min ... .max)
    print("free \(free): seed \(seed)")
    var numbers = Numbers(state: seed)
    let model = HashModel(maximumBatch: 1024, rollsBackFreely: free)
    let limit = 12_000
    let store = PrefixStore(model: model, memoryLimit: limit)
    var known: [[Int32]] = [[1, 2, 3]]
    for round in 0..<600 {
      var tokens = known[Int.random(in: 0..<known.count, using: &numbers)]
      // Cut, change, extend: long common beginnings of every kind.
      if Bool.random(using: &numbers) {
        tokens = Array(tokens.prefix(Int.random(in: 0...tokens.count, using: &numbers)))
      }
      if !tokens.isEmpty, Int.random(in: 0..<4, using: &numbers) == 0 {
        tokens[Int.random(in: 0..<tokens.count, using: &numbers)] = 49
      }
      let more = Int.random(in: 1...200, using: &numbers)
      tokens += (0..<more).map { _ in Int32.random(in: 0..<50, using: &numbers) }
      tokens = Array(tokens.prefix(900))

      let kept = store.statesInMemory
      let expected =
        kept.map { entry -> Int in
          let usable = min(common(entry.tokens, tokens), tokens.count - 1)
          return usable >= entry.state.oldestRollback ? usable : 0
        }.max() ?? 0
      let match = store.resume(tokens)
      #expect(match.count == expected, "round \(round)")
      #expect(match.state.count == expected)
      if let miss = match.miss, miss.reason == .differs || miss.reason == .betweenCheckpoints {
        #expect(miss.known.first != miss.given || miss.given == nil)
      }
      let rows = try model.evaluate(
        [
          SequenceInput(
            state: match.state, tokens: Array(tokens[match.count...]), logits: .last)
        ], observer: nil)
      #expect(rows[0] == model.logits(after: tokens))
      store.keep(
        match.state, tokens: tokens, logits: round % 3 == 0 ? rows[0] : nil,
        as: round % 5 == 0 ? .checkpoint : .end)
      known.append(tokens)
      if known.count > 12 { known.removeFirst() }
      if round % 50 == 49 { store.evict(toFit: Int.random(in: 0...limit, using: &numbers)) }

      var pages: [ObjectIdentifier: Int] = [:]
      var tails = 0
      for entry in store.statesInMemory {
        #expect(entry.tokens.count == entry.state.count)
        for page in entry.state.pages { pages[ObjectIdentifier(page)] = page.byteCount }
        tails += entry.state.tailByteCount + (entry.logits?.count ?? 0) * 4
      }
      let total = pages.values.reduce(0, +) + tails
      #expect(store.memoryByteCount == total, "round \(round)")
      #expect(store.figures.pages == pages.count)
      #expect(total <= limit)
      let held = Set(match.state.pages.map { ObjectIdentifier($0) })
      let rest = pages.filter { !held.contains($0.key) }.values.reduce(0, +) + tails
      #expect(store.memoryByteCount(excluding: held) == rest)
    }
    store.evict(toFit: 0)
    #expect(store.memoryByteCount == 0)
    #expect(store.figures.states == 0)
    #expect(store.figures.pages == 0)
    let gone = store.resume(known[known.count - 1] + [1])
    #expect(gone.count == 0)
    #expect(gone.miss?.reason == .evicted)
  }

  @Test("A long conversation keeps few states, dense at its end, and never departs far from one")
  func spacing() {
    for step in [1, 37, 128, 700] {
      var points: [CheckpointSpacing.Point] = []
      for newest in stride(from: step, through: step * 2000, by: step) {
        let dropped = Set(CheckpointSpacing.superfluous(points, newest: newest))
        points.removeAll { dropped.contains($0.count) }
        points.insert(
          CheckpointSpacing.Point(count: newest, isEnd: newest % 3 != 0, isFixed: false), at: 0)
      }
      let newest = step * 2000
      var bound = CheckpointSpacing.newestEnds + 8
      var reach = CheckpointSpacing.closeGap
      while reach < newest {
        bound += 4
        reach *= 2
      }
      #expect(points.count <= bound, "\(points.count) states of \(newest) tokens")
      for departure in stride(from: step, to: newest, by: step) {
        let nearest = points.first { $0.count <= departure }?.count ?? 0
        let allowed = max(2 * (newest - departure), newest - departure + CheckpointSpacing.closeGap)
        #expect(newest - nearest <= allowed + 2 * step, "\(departure) of \(newest)")
      }
    }
    let fixed = (1...100).reversed().map {
      CheckpointSpacing.Point(count: $0, isEnd: false, isFixed: true)
    }
    #expect(CheckpointSpacing.superfluous(fixed, newest: 101).isEmpty)
  }

  @Test("Taking stock, verifying and clearing")
  func inventory() throws {
    let scratch = try ScratchDirectory()
    let fingerprint = StateFingerprint(bytes: Array(repeating: 0xab, count: 32))
    let root = "\(scratch.path)/\(PrefixInventory.directoryName)"
    #expect(try PrefixInventory(directory: root).models.isEmpty)
    let directory = PrefixDisk.directory(in: scratch.path, fingerprint)
    do {
      let disk = try PrefixDisk(
        directory: directory, fingerprint: fingerprint, modelName: "hash\u{1b}[31m", limit: 1 << 20)
      let model = HashModel()
      let store = PrefixStore(model: model, memoryLimit: 1 << 20, disk: disk)
      try InferenceSession(model: model, prefixes: store).append((0..<300).map { Int32($0 % 50) })
      CallReplay(path: disk.callsPath).remember(
        id: "1", name: "f", arguments: "{}", verbatim: "v")
      disk.flush()
      let busy = try PrefixInventory(directory: root)
      #expect(busy.models.first?.isInUse == true)
      let (removed, inUse) = try PrefixInventory.clear(directory: root)
      #expect(removed.isEmpty)
      #expect(inUse == [fingerprint.description])
    }
    let inventory = try PrefixInventory(directory: root, verifies: true)
    let model = try #require(inventory.models.first)
    #expect(model.fingerprint == String(repeating: "ab", count: 32))
    #expect(model.pages == 2)
    #expect(model.states == 1)
    #expect(model.tokens == 300)
    #expect(model.calls == 1)
    #expect(!model.isInUse)
    #expect(inventory.damagedCount == 0)
    #expect(!inventory.text.contains("\u{1b}"))
    #expect(inventory.text.contains("300 tokens in 2 pages and 1 states"))
    #expect(inventory.json["models"]?.arrayValue?.first?["bytes"]?.integerValue == model.byteCount)

    // One byte of the content: found by reading everything, not by the headers.
    let entries = try SystemFiles().entries(of: directory)
    let page = try #require(entries.first { $0.name.hasSuffix(".page") })
    var bytes = try SystemFiles().read("\(directory)/\(page.name)", limit: 1 << 20)
    bytes[bytes.count - 20] ^= 4
    try AtomicFile.write(bytes, to: "\(directory)/\(page.name)")
    #expect(try PrefixInventory(directory: root).damagedCount == 0)
    let damaged = try PrefixInventory(directory: root, verifies: true)
    #expect(damaged.models[0].damaged.contains { $0.path.hasSuffix(page.name) })
    #expect(damaged.text.contains("damaged: "))

    #expect(try PrefixInventory.clear(directory: root, fingerprint: "cd").removed.isEmpty)
    let (removed, inUse) = try PrefixInventory.clear(directory: root, fingerprint: "ab")
    #expect(removed.map(\.states) == [1])
    #expect(inUse.isEmpty)
    #expect(try SystemFiles().entries(of: directory).map(\.name) == ["lock"])
  }
}
