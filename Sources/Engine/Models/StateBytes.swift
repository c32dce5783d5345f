import TensorFormats

/// Writes the state of a sequence as bytes.
///
/// Layout, all numbers little-endian: the magic `MASLINST`, the version (4 bytes), the model's fingerprint (8 bytes), then what
/// the family appends, then a checksum over all of that (8 bytes). Arrays carry their count in front (8 bytes).
package struct StateWriter {
  /// The first eight bytes of every serialised state.
  static let magic = Array("MASLINST".utf8)
  /// The version of the layout; raise it when any family's layout changes.
  package static let version: UInt32 = 1
  /// What follows the header where the bytes are not a whole state: no state has so many tokens.
  package enum Part: UInt32, Sendable {
    /// One complete page.
    case page = 0xfffe_0001
    /// A state without its complete pages.
    case tail = 0xfffe_0002
  }

  /// Magic, version and fingerprint.
  static let headerByteCount = 8 + 4 + 8
  /// The checksum at the end.
  static let trailerByteCount = 8

  private var bytes: [UInt8]

  /// Starts a state of the model with that fingerprint.
  package init(model: ModelFingerprint) {
    bytes = Self.magic
    append(Self.version)
    append(model.value)
  }

  /// Starts a part of a state.
  package init(model: ModelFingerprint, part: Part) {
    self.init(model: model)
    append(part.rawValue)
  }

  /// Appends one integer of fixed width.
  package mutating func append<Value: FixedWidthInteger>(_ value: Value) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// Appends a count or an index as 8 bytes.
  package mutating func append(count: Int) {
    append(Int64(count))
  }

  /// Appends the number of values and the values.
  package mutating func append(_ values: [Float]) {
    append(count: values.count)
    appendElements(values, bitPattern: \.bitPattern)
  }

  /// Appends the number of values and the values.
  package mutating func append(_ values: [Int32]) {
    append(count: values.count)
    appendElements(values, bitPattern: \.asUInt32)
  }

  /// Makes room for that many more bytes, so that appending does not copy.
  package mutating func reserve(_ count: Int) {
    bytes.reserveCapacity(bytes.count + count + Self.trailerByteCount)
  }

  /// The whole state, with its checksum.
  package func finished() -> [UInt8] {
    var copy = self
    copy.append(bytes.withUnsafeBytes { StateChecksum.of($0) })
    return copy.bytes
  }

  private mutating func appendElements<Value>(
    _ values: [Value], bitPattern: (Value) -> UInt32
  ) {
    #if _endian(little)
      values.withUnsafeBytes { bytes.append(contentsOf: $0) }
    #else
      for value in values { append(bitPattern(value)) }
    #endif
  }
}

/// Reads what `StateWriter` wrote. Every length is checked against the bytes that remain before anything is allocated.
package struct StateReader {
  private let bytes: [UInt8]
  private var offset: Int
  private let end: Int

  /// Opens a state, which must be whole and belong to the model with that fingerprint.
  ///
  /// - Throws: `ModelError.serializedState`, as every method here.
  package init(_ bytes: [UInt8], model: ModelFingerprint) throws(ModelError) {
    let end = bytes.count - StateWriter.trailerByteCount
    guard end >= StateWriter.headerByteCount else {
      throw .serializedState(
        "\(bytes.count) bytes are fewer than the "
          + "\(StateWriter.headerByteCount + StateWriter.trailerByteCount) every state has")
    }
    guard bytes.starts(with: StateWriter.magic) else {
      throw .serializedState("the bytes do not start as a saved state does")
    }
    self.bytes = bytes
    self.end = end
    offset = StateWriter.magic.count
    let version = try integer(UInt32.self, "version")
    guard version == StateWriter.version else {
      throw .serializedState(
        "version \(version) is not the version \(StateWriter.version) this program reads")
    }
    let fingerprint = try integer(UInt64.self, "fingerprint")
    let checksum = bytes[end...].enumerated().reduce(UInt64(0)) { sum, byte in
      sum | UInt64(byte.element) << (8 * UInt64(byte.offset))
    }
    guard bytes.withUnsafeBytes({ StateChecksum.of(.init(rebasing: $0[..<end])) }) == checksum
    else {
      throw .serializedState("the checksum at byte \(end) does not fit: the bytes are damaged")
    }
    guard fingerprint == model.value else {
      throw .serializedState("it belongs to another model")
    }
  }

  /// Opens a part of a state.
  package init(
    _ bytes: [UInt8], model: ModelFingerprint, part: StateWriter.Part
  ) throws(ModelError) {
    try self.init(bytes, model: model)
    guard try integer(UInt32.self, "kind of part") == part.rawValue else {
      throw .serializedState(
        part == .page ? "it is no page of a state" : "it is no state without its pages")
    }
  }

  /// The bytes not read yet.
  package var remaining: Int { end - offset }

  /// Reads one integer of fixed width; `name` says in errors what it is.
  package mutating func integer<Value: FixedWidthInteger>(
    _ type: Value.Type, _ name: String
  ) throws(ModelError) -> Value {
    let size = Value.bitWidth / 8
    try require(size, name)
    let value = bytes.withUnsafeBytes {
      $0.loadUnaligned(fromByteOffset: offset, as: Value.self)
    }
    offset += size
    return Value(littleEndian: value)
  }

  /// Reads a count or an index that must lie in `range`.
  package mutating func count(
    _ name: String, in range: ClosedRange<Int>
  ) throws(ModelError) -> Int {
    let start = offset
    let value = try integer(Int64.self, name)
    guard let number = Int(exactly: value), range.contains(number) else {
      throw .serializedState("\(name) at byte \(start) is \(value), not \(spoken(range))")
    }
    return number
  }

  /// Reads an array of exactly `count` values.
  package mutating func floats(_ name: String, count: Int) throws(ModelError) -> [Float] {
    try elements(name, counts: count...count) { Float(bitPattern: UInt32(littleEndian: $0)) }
  }

  /// Reads an array of as many values as it says, which must lie in `counts`.
  package mutating func integers(
    _ name: String, counts: ClosedRange<Int>
  ) throws(ModelError) -> [Int32] {
    try elements(name, counts: counts) { Int32(bitPattern: UInt32(littleEndian: $0)) }
  }

  /// Checks that everything was read.
  package func finish() throws(ModelError) {
    guard remaining == 0 else {
      throw .serializedState("\(remaining) bytes too many at byte \(offset)")
    }
  }

  private mutating func elements<Value>(
    _ name: String, counts: ClosedRange<Int>, _ decode: (UInt32) -> Value
  ) throws(ModelError) -> [Value] {
    let number = try count("count of \(name)", in: counts)
    let (size, overflow) = number.multipliedReportingOverflow(by: 4)
    try require(overflow ? Int.max : size, name)
    let start = offset
    offset += size
    return bytes.withUnsafeBytes { raw in
      [Value](unsafeUninitializedCapacity: number) { values, initialized in
        for index in 0..<number {
          let bits = raw.loadUnaligned(fromByteOffset: start + 4 * index, as: UInt32.self)
          values.initializeElement(at: index, to: decode(bits))
        }
        initialized = number
      }
    }
  }

  private func require(_ size: Int, _ name: String) throws(ModelError) {
    guard size <= remaining else {
      throw .serializedState(
        "\(name) at byte \(offset) takes \(size) bytes, but only \(remaining) remain")
    }
  }

  private func spoken(_ range: ClosedRange<Int>) -> String {
    range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
  }
}

/// Tells models apart, so that a state is not given to another model: a hash over the architecture, the settings, and the name,
/// type, shape and first bytes of every tensor.
package struct ModelFingerprint: Hashable, Sendable {
  /// The hash.
  package let value: UInt64

  /// The number of leading bytes of a tensor that count: enough to tell fine-tuned variants of one model apart, few
  /// enough that a large mapped file is hardly read.
  private static let sampledBytes = 256

  /// Takes the fingerprint.
  ///
  /// - Parameters:
  ///   - architecture: the architecture's name in the file.
  ///   - settings: whatever else changes what a state holds (a switch, a context length), one sentence each.
  ///   - tensors: all tensors of the file, in any order.
  package init(architecture: String, settings: [String], tensors: [TensorView]) {
    var checksum = StateChecksum()
    checksum.add(architecture)
    for setting in settings { checksum.add(setting) }
    for tensor in tensors.sorted(by: { $0.name < $1.name }) {
      checksum.add("\(tensor.name) \(tensor.type.name) \(tensor.shape)")
      checksum.add(.init(rebasing: tensor.bytes.prefix(Self.sampledBytes)))
    }
    value = checksum.value
  }
}

/// A 64-bit checksum in the manner of FNV-1a, over words of eight bytes; the length of every part counts too. Each step is a
/// bijection of the sum and of the word, so that no change of a single word goes unnoticed.
package struct StateChecksum {
  private var sum: UInt64 = 0xcbf2_9ce4_8422_2325

  /// Begins a checksum.
  package init() {}

  /// The checksum of one run of bytes.
  package static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var checksum = StateChecksum()
    checksum.add(bytes)
    return checksum.value
  }

  /// The sum over all parts so far.
  package var value: UInt64 {
    var mixed = sum
    mixed = (mixed ^ (mixed >> 32)) &* 0xd6e8_feb8_6659_fd93
    return mixed ^ (mixed >> 32)
  }

  mutating func add(_ text: String) {
    Array(text.utf8).withUnsafeBytes { add($0) }
  }

  /// Takes in one part.
  package mutating func add(_ bytes: UnsafeRawBufferPointer) {
    step(UInt64(bytes.count))
    let whole = bytes.count / 8 * 8
    for offset in stride(from: 0, to: whole, by: 8) {
      step(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
    }
    if whole < bytes.count {
      var word: UInt64 = 0
      for (index, byte) in bytes[whole...].enumerated() { word |= UInt64(byte) << (8 * index) }
      step(word)
    }
  }

  private mutating func step(_ word: UInt64) {
    sum = (sum ^ word) &* 0x0000_0100_0000_01b3
    sum ^= sum >> 29
  }
}

extension Int32 {
  fileprivate var asUInt32: UInt32 { UInt32(bitPattern: self) }
}
