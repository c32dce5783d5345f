import Ethereum

/// What a string of bytes is, judged by its first bytes.
public enum CodeFormat: Hashable, Sendable {
  /// No bytes: an account without code.
  case empty
  /// Instructions from the first byte on.
  case legacy
  /// An EIP-7702 delegation: an account that runs the code of another address.
  case delegation(Address)
  /// An EVM object format container, `0xef00` and a version. No network accepts such code; its
  /// sections are listed where the header can be read, and not analysed.
  case objectFormat(ObjectFormatHeader)
  /// The reserved first byte `0xef` in any other form. Such code cannot be deployed.
  case reserved

  /// Judges code by its first bytes.
  public init(code: [UInt8]) {
    guard let first = code.first else {
      self = .empty
      return
    }
    guard first == 0xef else {
      self = .legacy
      return
    }
    if code.count == 23, code[1] == 0x01, code[2] == 0x00, let target = Address(code[3...]) {
      self = .delegation(target)
    } else if code.count >= 3, code[1] == 0x00 {
      self = .objectFormat(ObjectFormatHeader(code: code))
    } else {
      self = .reserved
    }
  }
}

/// The header of an EVM object format container (EIP-3540), as far as it can be read.
public struct ObjectFormatHeader: Hashable, Sendable {
  /// The version byte behind `0xef00`.
  public let version: UInt8
  /// Sizes in bytes of the code sections; empty where the header is broken.
  public let codeSectionSizes: [Int]
  /// Size in bytes of the data section, if the header names one.
  public let dataSectionSize: Int?
  /// Whether the header was read up to its terminator.
  public let isComplete: Bool

  /// Reads a header; `code` starts with `0xef00` and has at least three bytes.
  init(code: [UInt8]) {
    version = code[2]
    var sizes: [Int] = []
    var dataSize: Int?
    var complete = false
    var offset = 3
    func word(_ width: Int) -> Int? {
      guard offset + width <= code.count else { return nil }
      return code[offset..<(offset + width)].reduce(0) { $0 << 8 | Int($1) }
    }
    scan: while let kind = word(1) {
      offset += 1
      switch kind {
      case 0x00:
        complete = true
        break scan
      case 0x01, 0xff:
        guard let size = word(2) else { break scan }
        if kind == 0xff { dataSize = size }
        offset += 2
      case 0x02, 0x03:
        guard let count = word(2) else { break scan }
        offset += 2
        let width = kind == 0x02 ? 2 : 4
        for _ in 0..<count {
          guard let size = word(width) else { break scan }
          if kind == 0x02 { sizes.append(size) }
          offset += width
        }
      case 0x04:
        guard let size = word(2) else { break scan }
        dataSize = size
        offset += 2
      default:
        break scan
      }
    }
    codeSectionSizes = sizes
    dataSectionSize = dataSize
    isComplete = complete
  }
}
