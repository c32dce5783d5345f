/// Keccak-256 as Ethereum uses it: the 2011 submission with its original padding byte `0x01`, not
/// the `0x06` of the later SHA3-256 standard (FIPS 202).
///
/// Feed bytes with ``update(_:)`` in any number of pieces and ask for the result with
/// ``finalize()``, or hash at once with ``hash(_:)``. Nothing is allocated on the heap when the
/// bytes are contiguous in memory.
public struct Keccak256: Sendable {
  /// Bytes absorbed between two permutations (the rate, 1088 bits).
  public static let blockSize = 136

  private var state = KeccakState()
  private var position = 0

  /// Starts an empty hash.
  public init() {}

  /// Absorbs more bytes.
  public mutating func update(_ bytes: some Sequence<UInt8>) {
    if bytes.withContiguousStorageIfAvailable({ absorb(UnsafeRawBufferPointer($0)) }) == nil {
      for byte in bytes {
        withUnsafeBytes(of: byte) { absorb($0) }
      }
    }
  }

  /// Absorbs bytes that lie in memory.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    absorb(bytes)
  }

  /// The hash of everything absorbed so far. The receiver is not changed: more can be absorbed.
  public func finalize() -> Hash32 {
    var padded = self
    padded.mixByte(0x01, at: padded.position)
    padded.mixByte(0x80, at: Keccak256.blockSize - 1)
    padded.state.permute()
    return Hash32(
      word: Word(
        padded.state.lane0.byteSwapped, padded.state.lane1.byteSwapped,
        padded.state.lane2.byteSwapped, padded.state.lane3.byteSwapped))
  }

  /// The hash of a sequence of bytes.
  public static func hash(_ bytes: some Sequence<UInt8>) -> Hash32 {
    var hasher = Keccak256()
    hasher.update(bytes)
    return hasher.finalize()
  }

  /// The hash of the UTF-8 form of a text, without a terminator.
  public static func hash(utf8 text: some StringProtocol) -> Hash32 {
    hash(text.utf8)
  }

  /// The hash of words laid end to end, each as 32 bytes, as `keccak256(abi.encode(...))` of
  /// static values takes them.
  public static func hash(words: Word...) -> Hash32 {
    var hasher = Keccak256()
    for word in words {
      word.withBigEndianBytes { hasher.absorb($0) }
    }
    return hasher.finalize()
  }

  private mutating func absorb(_ bytes: UnsafeRawBufferPointer) {
    var index = 0
    while index < bytes.count {
      if position & 7 == 0, bytes.count - index >= 8 {
        // Whole lanes until the block or the input ends.
        let count = min((Keccak256.blockSize - position) / 8, (bytes.count - index) / 8)
        let firstLane = position / 8
        withUnsafeMutableBytes(of: &state) { raw in
          let lanes = raw.bindMemory(to: UInt64.self)
          for lane in 0..<count {
            let value = bytes.loadUnaligned(fromByteOffset: index + lane * 8, as: UInt64.self)
            lanes[firstLane + lane] ^= UInt64(littleEndian: value)
          }
        }
        index += count * 8
        position += count * 8
      } else {
        mixByte(bytes[index], at: position)
        index += 1
        position += 1
      }
      if position == Keccak256.blockSize {
        state.permute()
        position = 0
      }
    }
  }

  private mutating func mixByte(_ byte: UInt8, at offset: Int) {
    withUnsafeMutableBytes(of: &state) { raw in
      let lanes = raw.bindMemory(to: UInt64.self)
      lanes[offset / 8] ^= UInt64(byte) << UInt64(8 * (offset & 7))
    }
  }
}
