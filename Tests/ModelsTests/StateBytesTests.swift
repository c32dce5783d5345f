import Kernels
import Models
import TensorFormats
import Testing

/// States as bytes: what was written is read again, and nothing else is taken for a state.
@Suite struct StateBytesTests {
  static let fingerprint = ModelFingerprint(architecture: "test", settings: ["a"], tensors: [])

  private func bytes(_ write: (inout StateWriter) -> Void) -> [UInt8] {
    var writer = StateWriter(model: Self.fingerprint)
    write(&writer)
    return writer.finished()
  }

  @Test func roundTrip() throws {
    let floats: [Float] = [0, -0.0, 1.5, .infinity, .leastNonzeroMagnitude, -3e38]
    let state = bytes {
      $0.append(count: 7)
      $0.append(UInt16(65535))
      $0.append(floats)
      $0.append([Int32.min, -1, 5])
      $0.append([Float]())
    }
    var reader = try StateReader(state, model: Self.fingerprint)
    #expect(try reader.count("tokens", in: 0...10) == 7)
    #expect(try reader.integer(UInt16.self, "flags") == 65535)
    #expect(try reader.floats("keys", count: 6).bits == floats.bits)
    #expect(try reader.integers("ids", counts: 0...8) == [Int32.min, -1, 5])
    #expect(try reader.floats("rest", count: 0).isEmpty)
    try reader.finish()
  }

  /// Little-endian, whatever the machine.
  @Test func layout() {
    let state = bytes { $0.append([Int32(0x0102_0304)]) }
    #expect(Array(state[..<12]) == Array("MASLINST".utf8) + [1, 0, 0, 0])
    #expect(Array(state[20..<32]) == [1, 0, 0, 0, 0, 0, 0, 0, 4, 3, 2, 1])
    #expect(state.count == 40)
  }

  @Test func wrongCounts() throws {
    let state = bytes {
      $0.append(count: -1)
      $0.append(count: Int.max)
    }
    var reader = try StateReader(state, model: Self.fingerprint)
    #expect(throws: ModelError.serializedState("tokens at byte 20 is -1, not 0 to 9")) {
      try reader.count("tokens", in: 0...9)
    }
    // A length no memory could hold is refused by the bytes that are there.
    #expect(throws: ModelError.self) { try reader.integers("ids", counts: 0...Int.max) }
    var other = try StateReader(bytes { $0.append([Float(1)]) }, model: Self.fingerprint)
    #expect(throws: ModelError.serializedState("count of keys at byte 20 is 1, not 2")) {
      try other.floats("keys", count: 2)
    }
  }

  @Test func leftOverBytes() throws {
    let reader = try StateReader(bytes { $0.append(UInt8(1)) }, model: Self.fingerprint)
    #expect(throws: ModelError.serializedState("1 bytes too many at byte 20")) {
      try reader.finish()
    }
  }

  @Test func fingerprintsDiffer() throws {
    var contents = (0..<64).map { UInt8($0) }
    func fingerprint(
      _ architecture: String = "test", _ settings: [String] = ["a"], name: String = "t",
      shape: [Int] = [4, 4]
    ) -> ModelFingerprint {
      contents.withUnsafeBytes {
        ModelFingerprint(
          architecture: architecture, settings: settings,
          tensors: [TensorView(name: name, type: .f32, shape: shape, bytes: $0)])
      }
    }
    let plain = fingerprint()
    #expect(plain == fingerprint())
    #expect(plain != fingerprint("other"))
    #expect(plain != fingerprint("test", ["a", ""]))
    #expect(plain != fingerprint(name: "u"))
    #expect(plain != fingerprint(shape: [2, 8]))
    contents[63] = 0
    #expect(plain != fingerprint())
  }

  /// Any single byte changed anywhere, and any cut, is noticed.
  @Test(arguments: ["qwen3-f32", "qwen35moe-q4_k_m"])
  func damage(name: String) throws {
    let model = try DecoderFixture.load(name)
    let state = model.makeState()
    try model.take(state, DecoderFixture.tokens(20, of: model, seed: 1))
    let whole = state.serialized()
    var numbers = SeededNumbers(77)
    for trial in 0..<60 {
      var damaged = whole
      let place = trial < 30 ? trial : Int.random(in: 0..<whole.count, using: &numbers)
      damaged[place] ^= UInt8.random(in: 1...255, using: &numbers)
      #expect(throws: ModelError.self, "byte \(place)") {
        try model.makeState(serialized: damaged)
      }
      let cut = Int.random(in: 0..<whole.count, using: &numbers)
      #expect(throws: ModelError.self, "cut at \(cut)") {
        try model.makeState(serialized: Array(whole[..<cut]))
      }
    }
    #expect(throws: ModelError.self) { try model.makeState(serialized: whole + [0]) }
    #expect(throws: ModelError.self) { try model.makeState(serialized: []) }
  }

  @Test func statesOfOtherModels() throws {
    let state = try DecoderFixture.load("qwen3moe-f32").makeState()
    let model = try DecoderFixture.load("qwen3-f32")
    #expect(throws: ModelError.serializedState("it belongs to another model")) {
      try model.makeState(serialized: state.serialized())
    }
  }

  /// Bytes with a valid checksum whose contents make no sense.
  @Test func nonsense() throws {
    let model = try DecoderFixture.load("qwen35moe-q4_k_m")
    let file = try EngineFixture.named("qwen35moe-q4_k_m").open()
    let fingerprint = ModelFingerprint(
      architecture: "qwen35moe", settings: [], tensors: file.tensors)
    func refused(_ write: (inout StateWriter) -> Void) -> Bool {
      var writer = StateWriter(model: fingerprint)
      write(&writer)
      do {
        _ = try model.makeState(serialized: writer.finished())
        return false
      } catch { return true }
    }
    #expect(!refused { $0.append(count: 0) })
    #expect(refused { _ in })
    #expect(refused { $0.append(count: -1) })
    #expect(refused { $0.append(count: 1 << 40) })
    #expect(refused { $0.append(count: 4096) })
    #expect(refused { for count in [1, 0] { $0.append(count: count) } })
    #expect(
      refused {
        $0.append(count: 0)
        $0.append(UInt8(0))
      })
  }
}
