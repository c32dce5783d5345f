import Kernels
import TensorFormats
import Testing

/// Random numbers that a printed seed brings back.
struct Randomness {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func bits() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// In -1 ..< 1.
  mutating func value() -> Float { Float(Int64(bitPattern: bits()) >> 40) / Float(1 << 23) }

  mutating func values(_ count: Int, scale: Float = 1) -> [Float] {
    (0..<count).map { _ in value() * scale }
  }

  mutating func integer(below bound: Int) -> Int { Int(bits() % UInt64(bound)) }
}

/// Tensors in memory of their own.
final class Tensors {
  private var memory: [UnsafeMutableRawBufferPointer] = []

  deinit { for part in memory { part.deallocate() } }

  func bytes(_ bytes: [UInt8], _ type: TensorType, _ shape: [Int], name: String = "t") -> TensorView
  {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
    copy.copyBytes(from: bytes)
    memory.append(copy)
    return TensorView(name: name, type: type, shape: shape, bytes: UnsafeRawBufferPointer(copy))
  }

  func floats(_ values: [Float], _ shape: [Int]) -> TensorView {
    bytes(values.withUnsafeBytes { Array($0) }, .f32, shape)
  }

  func integers(_ values: [Int32], _ shape: [Int]) -> TensorView {
    bytes(values.withUnsafeBytes { Array($0) }, .i32, shape)
  }

  /// Q8_0 blocks of random values with scales that halves hold exactly; and the values.
  func q8_0(_ shape: [Int], _ random: inout Randomness) -> (TensorView, [Float]) {
    var data: [UInt8] = []
    var values: [Float] = []
    for _ in 0..<shape.reduce(1, *) / 32 {
      let scale = Float16Bits.powerOfTwo(-7 - random.integer(below: 3))
      data += [UInt8(scale.bits & 0xFF), UInt8(scale.bits >> 8)]
      for _ in 0..<32 {
        let quant = Int8(truncatingIfNeeded: random.integer(below: 255) - 127)
        data.append(UInt8(bitPattern: quant))
        values.append(Float(quant) * scale.value)
      }
    }
    return (bytes(data, .q8_0, shape), values)
  }
}

/// A half that is a power of two.
struct Float16Bits {
  var bits: UInt16
  var value: Float

  static func powerOfTwo(_ exponent: Int) -> Float16Bits {
    Float16Bits(
      bits: UInt16(exponent + 15) << 10,
      value: Float(sign: .plus, exponent: exponent, significand: 1))
  }
}

/// Back ends that must give the same bits: every instruction set of the machine, one to four threads.
func everyBackEnd(_ activations: ProcessorOperations.Activations = .rounded) throws
  -> [ProcessorOperations]
{
  var result: [ProcessorOperations] = []
  for set in InstructionSet.available {
    result.append(
      try ProcessorOperations(threads: 1, instructionSet: set, activations: activations))
  }
  for threads in 2...4 {
    result.append(try ProcessorOperations(threads: threads, activations: activations))
  }
  return result
}

/// What every back end computes, after checking that they agree to the bit.
func agreed(
  _ activations: ProcessorOperations.Activations = .rounded,
  sourceLocation: SourceLocation = #_sourceLocation,
  _ compute: (ProcessorOperations) throws -> [Float]
) throws -> [Float] {
  var first: [Float]?
  for backEnd in try everyBackEnd(activations) {
    let result = try compute(backEnd)
    guard let expected = first else {
      first = result
      continue
    }
    let same = expected.map(\.bitPattern) == result.map(\.bitPattern)
    #expect(
      same, "\(backEnd.instructionSet) with \(backEnd.threads) threads gives other bits",
      sourceLocation: sourceLocation)
  }
  return try #require(first)
}

extension ProcessorOperations {
  /// A buffer of these values.
  func buffer(_ values: [Float], columns: Int) -> ProcessorBuffer {
    let buffer = makeBuffer(rows: values.count / columns, columns: columns)
    write(values, to: buffer, row: 0)
    return buffer
  }

  /// All of a buffer's values.
  func all(_ buffer: ProcessorBuffer) -> [Float] { read(buffer, rows: 0..<buffer.rows) }
}

/// Expects values within `tolerance` of the reference, relative to the largest reference value.
func expectClose(
  _ values: [Float], _ reference: [Double], tolerance: Double = 2e-6,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(values.count == reference.count, sourceLocation: sourceLocation)
  let scale = max(reference.map(abs).max() ?? 0, 1e-30)
  var worst = 0.0
  var place = 0
  for (index, pair) in zip(values, reference).enumerated() {
    let error = abs(Double(pair.0) - pair.1)
    if !(error <= worst) { (worst, place) = (error, index) }
  }
  #expect(
    worst <= tolerance * scale, "value \(place) is off by \(worst) of \(scale)",
    sourceLocation: sourceLocation)
}

func doubles(_ values: [Float]) -> [Double] { values.map(Double.init) }
