import Foundation
import TensorFormats
import Testing

/// Blocks of one type and the values that gguf-py decodes them to.
struct BlockFixture: Sendable, CustomTestStringConvertible {
  let type: TensorType
  let blocks: [UInt8]
  let bits: [UInt32]

  var testDescription: String { type.name }

  static let all: [BlockFixture] = TensorType.allCases.compactMap { type in
    let root = Bundle.module.resourceURL!.appendingPathComponent("Fixtures")
    let blocks = root.appendingPathComponent(type.name + ".blocks")
    guard let blocks = try? Data(contentsOf: blocks) else { return nil }
    let values = try! Data(contentsOf: root.appendingPathComponent(type.name + ".f32"))
    let bits = values.withUnsafeBytes { raw in
      (0..<raw.count / 4).map {
        UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self))
      }
    }
    return BlockFixture(type: type, blocks: [UInt8](blocks), bits: bits)
  }
}
