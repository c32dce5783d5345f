import DurableFiles
import Foundation
import GGUF
import Inference
import ModelFiles
import Models
import Testing

/// The prefix store on tiny models of every family: what it gives back has the bits of a computation from the first token.
@Suite("Prefixes of real model families", .serialized)
struct PrefixFamiliesTests {
  static let names = [
    "tiny-deepseek4", "tiny-qwen3", "tiny-qwen3moe", "tiny-qwen35moe", "tiny-llama",
  ]

  /// The models, made once.
  private static let directory: ScratchDirectory? = {
    guard let directory = try? ScratchDirectory() else { return nil }
    for name in names {
      let mix: QuantizationMix = name == "tiny-deepseek4" ? .deepseek2Bit : .q8_0
      guard let shape = try? SynthesisShape(name: name),
        (try? ModelSynthesizer(shape, mix: mix).write(
          to: "\(directory.path)/\(name).gguf", threads: 2)) != nil
      else { return nil }
    }
    return directory
  }()

  private func open(_ name: String) throws -> LocalModel {
    let directory = try #require(Self.directory, "tiny models can be written")
    return try LocalModel.open(
      "\(directory.path)/\(name).gguf", options: LocalModelOptions(threads: 2, chunk: 128))
  }

  private struct Numbers: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      var mixed = state
      mixed = (mixed ^ (mixed >> 33)) &* 0xff51_afd7_ed55_8ccd
      return mixed ^ (mixed >> 33)
    }
  }

  @Test(
    "Random conversations with common beginnings, edits, evictions and restarts", arguments: names)
  func conversations(name: String) throws {
    let seed = UInt64.random(in: .min ... .max)
    print("\(name): seed \(seed)")
    var numbers = Numbers(state: seed)
    let local = try open(name)
    let scratch = try ScratchDirectory()
    let fingerprint = StateFingerprint(local.file, settings: [])
    let first = local.model.makeState()
    _ = try local.model.evaluate(
      [SequenceInput(state: first, tokens: (0..<128).map { Int32($0) }, logits: .none)],
      observer: nil)
    let page = first.pageByteCount
    let tail = local.model.stateByteCount(tokens: 129) - page
    // Room for a few conversations in memory, and for more on disk.
    let memoryLimit = 6 * page + 5 * tail
    let diskLimit = 12 * page + 12 * tail
    func makeStore() throws -> PrefixStore {
      PrefixStore(
        model: local.model, memoryLimit: memoryLimit,
        disk: try PrefixDisk(
          directory: scratch.path, fingerprint: fingerprint, limit: diskLimit,
          files: ScarceFiles()))
    }
    var store: PrefixStore? = try makeStore()
    var conversations: [[Int32]] = []
    var reused = 0
    func text(_ count: Int) -> [Int32] {
      (0..<count).map { _ in Int32.random(in: 0..<200, using: &numbers) }
    }
    let system = text(140)
    for round in 0..<24 {
      let prompt: [Int32]
      switch Int.random(in: 0..<6, using: &numbers) {
      case 0: prompt = text(Int.random(in: 1...200, using: &numbers))
      case 1: prompt = system + text(Int.random(in: 1...150, using: &numbers))
      case 2 where !conversations.isEmpty:
        // An edit in the middle.
        var known = conversations[Int.random(in: 0..<conversations.count, using: &numbers)]
        known[Int.random(in: 0..<known.count, using: &numbers)] = 199
        prompt = known
      case 3 where !conversations.isEmpty:
        // The same again, or an earlier point of it.
        let known = conversations[Int.random(in: 0..<conversations.count, using: &numbers)]
        prompt = Array(
          known.prefix(max(1, known.count - [0, 0, 5, 40].randomElement(using: &numbers)!)))
      default:
        let known = conversations.last ?? system
        prompt =
          known.count > 500 ? text(50) : known + text(Int.random(in: 1...90, using: &numbers))
      }
      if round % 8 == 7 {
        store = nil
        store = try makeStore()
      }
      let session = local.makeSession(prefixes: store)
      try session.append(prompt)
      reused += session.reusedTokens
      let cold = local.makeSession()
      try cold.append(prompt)
      #expect(
        session.logits?.map(\.bitPattern) == cold.logits?.map(\.bitPattern),
        "round \(round), \(prompt.count) tokens, \(session.reusedTokens) reused")
      // An answer, then its end is kept.
      let answer = text(3)
      for token in answer { try session.append([token]) }
      let figures = try #require(store?.figures)
      #expect(figures.memoryByteCount <= memoryLimit)
      #expect(try #require(figures.disk).byteCount <= diskLimit)
      #expect(try #require(figures.disk).damaged == 0)
      conversations.append(prompt + answer)
    }
    #expect(reused > 0)
  }

  @Test("Pages and tails put together again are the state that was taken apart", arguments: names)
  func parts(name: String) throws {
    let local = try open(name)
    let model = local.model
    for count in [1, 15, 16, 17, 100, 127, 128, 129, 250, 256, 300] {
      let tokens = (0..<count).map { Int32($0 * 7 % 200) }
      let state = model.makeState()
      for start in stride(from: 0, to: count, by: 100) {
        _ = try model.evaluate(
          [
            SequenceInput(
              state: state, tokens: Array(tokens[start..<min(count, start + 100)]), logits: .none)
          ], observer: nil)
      }
      let pages = try state.pages.map { try model.makePage(serialized: model.serialized($0)) }
      let copy = try model.makeState(tail: state.serializedTail(), pages: pages)
      #expect(copy.count == count)
      #expect(copy.oldestRollback == state.oldestRollback)
      #expect(copy.serialized() == state.serialized())
      #expect(model.rollsBackFreely == (name != "tiny-deepseek4" && name != "tiny-qwen35moe"))
      if model.rollsBackFreely { #expect(state.oldestRollback == 0) }
      // Too few or too many pages, and parts in the place of others.
      #expect(throws: ModelError.self) {
        try model.makeState(
          tail: state.serializedTail(), pages: pages + pages.prefix(1) + [Foreign()])
      }
      if let page = pages.first {
        #expect(throws: ModelError.self) {
          try model.makeState(tail: state.serializedTail(), pages: Array(pages.dropLast()))
        }
        #expect(throws: ModelError.self) {
          try model.makePage(serialized: state.serializedTail())
        }
        #expect(throws: ModelError.self) {
          try model.makeState(tail: model.serialized(page), pages: [])
        }
      }
      #expect(throws: ModelError.self) {
        try model.makeState(serialized: state.serializedTail())
      }
      #expect(throws: ModelError.self) {
        try model.makeState(tail: state.serialized(), pages: pages)
      }
    }
  }

  private final class Foreign: StatePage {
    var byteCount: Int { 0 }
  }

  @Test("Changed bytes of pages and tails are refused, whatever their checksum", arguments: names)
  func mutations(name: String) throws {
    let seed = UInt64.random(in: .min ... .max)
    print("\(name): seed \(seed)")
    var numbers = Numbers(state: seed)
    let local = try open(name)
    let model = local.model
    let state = model.makeState()
    for start in [0, 70] {
      _ = try model.evaluate(
        [
          SequenceInput(state: state, tokens: (start..<start + 70).map { Int32($0) }, logits: .none)
        ],
        observer: nil)
    }
    let page = model.serialized(state.pages[0])
    let tail = state.serializedTail()
    for round in 0..<2400 {
      let isPage = round % 2 == 0
      var bytes = isPage ? page : tail
      let original = bytes
      switch Int.random(in: 0..<4, using: &numbers) {
      case 0: bytes = Array(bytes.prefix(Int.random(in: 0..<bytes.count, using: &numbers)))
      case 1: bytes.append(UInt8.random(in: 0...255, using: &numbers))
      case 2: bytes[Int.random(in: 0..<bytes.count, using: &numbers)] ^= 0x10
      default:
        // In the first bytes, where the counts are, with a checksum that fits.
        let offset = Int.random(in: 20..<min(64, bytes.count - 8), using: &numbers)
        bytes[offset] = UInt8.random(in: 0...255, using: &numbers)
        if Bool.random(using: &numbers) {
          bytes.removeLast(min(bytes.count - 60, 4 * Int.random(in: 0..<64, using: &numbers)))
        }
        let end = bytes.count - 8
        let sum = bytes.withUnsafeBytes { StateChecksum.of(.init(rebasing: $0[..<end])) }
        for index in 0..<8 { bytes[end + index] = UInt8(truncatingIfNeeded: sum >> (8 * index)) }
      }
      guard bytes != original else { continue }
      let problem = isPage ? refusal(page: bytes, model) : refusal(tail: bytes, state, model)
      // Only a changed number, with a checksum forged to fit, can pass.
      #expect(problem?.isEmpty == false || bytes.count == original.count)
    }
  }

  /// Why a page is refused; nil when it is not.
  private func refusal(page bytes: [UInt8], _ model: any LanguageModel) -> String? {
    do {
      _ = try model.makePage(serialized: bytes)
      return nil
    } catch {
      return "\(error)"
    }
  }

  /// Why a tail is refused; nil when it is not.
  private func refusal(
    tail bytes: [UInt8], _ state: any SequenceState, _ model: any LanguageModel
  ) -> String? {
    do {
      _ = try model.makeState(tail: bytes, pages: state.pages)
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test("The fingerprint tells files and settings apart, and is the same every time")
  func fingerprints() throws {
    let files = try Self.names.map { try open($0).file }
    let all = files.map { StateFingerprint($0, settings: ["a"]) }
    #expect(Set(all).count == files.count)
    #expect(all == files.map { StateFingerprint($0, settings: ["a"]) })
    #expect(StateFingerprint(files[0], settings: ["b"]) != all[0])
    #expect(StateFingerprint(files[0], settings: ["a", ""]) != all[0])
    #expect(all[0].description.count == 64)
    // The last byte of the last tensor counts, and a name in the metadata.
    let directory = try #require(Self.directory)
    let path = "\(directory.path)/tiny-llama.gguf"
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    let scratch = try ScratchDirectory()
    let original = StateFingerprint(try GGUFFile.open(path), settings: [])
    for offset in [bytes.count - 1, 100] {
      var changed = bytes
      changed[offset] ^= 1
      let copy = "\(scratch.path)/copy.gguf"
      try changed.write(to: URL(fileURLWithPath: copy))
      guard let file = try? GGUFFile.open(copy) else { continue }
      #expect(StateFingerprint(file, settings: []) != original)
    }
  }
}
