import Foundation
import TensorFormats

extension ConvertedTensor.Source {
  /// The length of a row: the last axis.
  var columns: Int { weight.shape.last ?? 1 }

  /// Decodes a row into `values`, which has its length.
  func decode(row: Int, into values: inout [Float]) throws(ModelFileError) {
    let columns = values.count
    let size = columns * weight.format.byteCount
    let bytes = UnsafeRawBufferPointer(rebasing: weight.bytes[row * size..<(row + 1) * size])
    switch weight.format {
    case .f32, .f16, .bf16:
      let type: TensorType =
        weight.format == .f32 ? .f32 : weight.format == .f16 ? .f16 : .bf16
      let result = values.withUnsafeMutableBufferPointer { values in
        Result { () throws(TensorFormatError) in try type.decode(bytes, into: values) }
      }
      do throws(TensorFormatError) { try result.get() } catch {
        throw .tensor(name: weight.name, problem: error.description)
      }
    case .f64:
      for column in 0..<columns {
        let bits = bytes.loadUnaligned(fromByteOffset: 8 * column, as: UInt64.self)
        values[column] = Float(Double(bitPattern: UInt64(littleEndian: bits)))
      }
    case .f8e4m3:
      for column in 0..<columns { values[column] = Microscaling.e4m3[Int(bytes[column])] }
    case .f8e8m0, .i64, .i32, .i16, .i8, .u8:
      throw .tensor(
        name: weight.name,
        problem: "holds \(weight.format.rawValue) where floating-point weights are needed")
    }
    if let tileScales { try scale(&values, row: row, by: tileScales) }
  }

  private func scale(
    _ values: inout [Float], row: Int, by scales: SafetensorsFile.Tensor
  ) throws(ModelFileError) {
    let tile = Microscaling.tileWidth
    let tilesPerRow = (values.count + tile - 1) / tile
    for first in stride(from: 0, to: values.count, by: tile) {
      let index = row / tile * tilesPerRow + first / tile
      let factor: Float
      switch scales.format {
      case .f8e8m0: factor = Microscaling.power(scales.bytes[index])
      case .f32:
        let bits = scales.bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)
        factor = Float(bitPattern: UInt32(littleEndian: bits))
      default:
        throw .tensor(
          name: scales.name, problem: "scales of type \(scales.format.rawValue) are not supported")
      }
      for column in first..<min(first + tile, values.count) { values[column] *= factor }
    }
  }
}

/// The 8-bit and 4-bit formats of checkpoints (OCP Microscaling Formats 1.0; specification of DeepSeek V4, 10.2, 11).
package enum Microscaling {
  /// Rows and columns that share a factor in 8-bit weights.
  static let tileWidth = 128

  /// The values of the 256 codes of E4M3: 4 bits of exponent with bias 7, 3 of mantissa, no infinities.
  package static let e4m3: [Float] = (0..<256).map { code in
    let exponent = code >> 3 & 15
    let mantissa = Float(code & 7)
    if exponent == 15, code & 7 == 7 { return .nan }
    let magnitude =
      exponent == 0
      ? Float(sign: .plus, exponent: -9, significand: mantissa)
      : Float(sign: .plus, exponent: exponent - 7, significand: 1 + mantissa / 8)
    return code & 128 == 0 ? magnitude : -magnitude
  }

  /// The value of a code of E8M0: a power of two; 255 is not a number.
  package static func power(_ code: UInt8) -> Float {
    code == 255 ? .nan : Float(sign: .plus, exponent: Int(code) - 127, significand: 1)
  }

  /// Rearranges 4-bit weights into MXFP4 blocks; no value changes.
  ///
  /// - Parameters:
  ///   - codes: 16 bytes for 32 values: values 2i and 2i + 1 in the low and high half of byte i.
  ///   - scales: a power of two for each 32 values.
  /// - Returns: for each 32 values the scale and 16 bytes: values i and i + 16 in the halves of byte i.
  package static func blocks(
    codes: UnsafeRawBufferPointer, scales: UnsafeRawBufferPointer
  ) -> [UInt8] {
    var blocks = [UInt8](repeating: 0, count: 17 * scales.count)
    for group in scales.indices {
      blocks[17 * group] = scales[group]
      for index in 0..<16 {
        let low = code(index, of: group, in: codes)
        let high = code(index + 16, of: group, in: codes)
        blocks[17 * group + 1 + index] = low | high << 4
      }
    }
    return blocks
  }

  private static func code(_ index: Int, of group: Int, in codes: UnsafeRawBufferPointer) -> UInt8 {
    let byte = codes[16 * group + index / 2]
    return index % 2 == 0 ? byte & 15 : byte >> 4
  }
}

/// e^x, computed in double precision and rounded once.
func exponential(_ value: Float) -> Float { Float(exp(Double(value))) }

/// base^exponent.
func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }
