import Ethereum

/// What a compiler wrote behind the code about itself.
public struct CompilerMetadata: Hashable, Sendable {
  /// Who wrote it.
  public let compiler: Compiler
  /// The version as numbers joined by dots, or a pre-release's full text; `nil` before Solidity
  /// 0.5.9, which does not say.
  public let version: String?
  /// The IPFS hash of the Solidity metadata file as a multihash, usually 34 bytes.
  public let ipfs: [UInt8]?
  /// The Swarm hash of the metadata file, key `bzzr0` or `bzzr1`.
  public let swarm: [UInt8]?
  /// Whether experimental features of Solidity were on.
  public let isExperimental: Bool
  /// Sizes that Vyper notes behind creation code since 0.3.10.
  public let vyperSizes: VyperSizes?
  /// Where it lies in the code, the two length bytes included.
  public let range: Range<Int>

  /// A compiler.
  public enum Compiler: String, Hashable, Sendable {
    case solidity
    case vyper
  }

  /// What Vyper says about the parts of the code.
  public struct VyperSizes: Hashable, Sendable {
    /// Bytes of the runtime code.
    public let runtime: Int
    /// Bytes of each data section at the end of the runtime code.
    public let dataSections: [Int]
    /// Bytes of immutables that the constructor appends.
    public let immutables: Int
  }

  /// Reads the metadata at the very end of code, or, where other bytes follow such as
  /// constructor arguments or immutable data, the last one that is complete.
  public init?(code: [UInt8]) {
    if let metadata = CompilerMetadata(code: code, end: code.count) {
      self = metadata
      return
    }
    // Something follows: look for the start of a map that compilers write.
    var start = code.count - 1
    var tries = 0
    while start >= 0, tries < 64 {
      if (0xa1...0xa4).contains(code[start]), start + 1 < code.count,
        (0x64...0x6c).contains(code[start + 1])
      {
        tries += 1
        if let (_, count) = CBORReader.prefix(of: code[start...]),
          let metadata = CompilerMetadata(code: code, end: start + count + 2)
        {
          self = metadata
          return
        }
      }
      start -= 1
    }
    return nil
  }

  private init?(code: [UInt8], end: Int) {
    guard end >= 4, end <= code.count else { return nil }
    let length = Int(code[end - 2]) << 8 | Int(code[end - 1])
    // Solidity counts the bytes before the length, Vyper since 0.3.10 the length too.
    if length <= end - 2, length > 0,
      let value = CBORReader.value(of: code[(end - 2 - length)..<(end - 2)]),
      let metadata = CompilerMetadata(value, range: (end - 2 - length)..<end)
    {
      self = metadata
    } else if length <= end, length > 2,
      let value = CBORReader.value(of: code[(end - length)..<(end - 2)]),
      let metadata = CompilerMetadata(value, range: (end - length)..<end)
    {
      self = metadata
    } else {
      return nil
    }
  }

  private init?(_ value: CBORValue, range: Range<Int>) {
    self.range = range
    switch value {
    case .map:
      if let version = value["vyper"] {
        guard let text = CompilerMetadata.versionText(version) else { return nil }
        compiler = .vyper
        self.version = text
        (ipfs, swarm, isExperimental, vyperSizes) = (nil, nil, false, nil)
        return
      }
      let ipfs = CompilerMetadata.bytes(value["ipfs"])
      let swarm = CompilerMetadata.bytes(value["bzzr1"] ?? value["bzzr0"])
      let version = value["solc"].flatMap { CompilerMetadata.versionText($0) }
      let isExperimental = value["experimental"] == .bool(true)
      guard ipfs != nil || swarm != nil || version != nil || isExperimental else { return nil }
      compiler = .solidity
      self.version = version
      self.ipfs = ipfs
      self.swarm = swarm
      self.isExperimental = isExperimental
      vyperSizes = nil
    case .array(let elements):
      guard let last = elements.last, let version = last["vyper"],
        let text = CompilerMetadata.versionText(version)
      else { return nil }
      compiler = .vyper
      self.version = text
      (ipfs, swarm, isExperimental) = (nil, nil, false)
      // An integrity hash may stand first.
      let sizes = elements.dropLast().drop { if case .bytes = $0 { true } else { false } }
      if sizes.count == 3, case .unsigned(let runtime) = sizes[sizes.startIndex],
        case .array(let sections) = sizes[sizes.startIndex + 1],
        case .unsigned(let immutables) = sizes[sizes.startIndex + 2]
      {
        let dataSections = sections.compactMap { section -> Int? in
          if case .unsigned(let size) = section { return Int(clamping: size) }
          return nil
        }
        vyperSizes = VyperSizes(
          runtime: Int(clamping: runtime), dataSections: dataSections,
          immutables: Int(clamping: immutables))
      } else {
        vyperSizes = nil
      }
    default:
      return nil
    }
  }

  private static func bytes(_ value: CBORValue?) -> [UInt8]? {
    if case .bytes(let bytes) = value { return bytes }
    return nil
  }

  private static func versionText(_ value: CBORValue) -> String? {
    switch value {
    case .bytes(let bytes) where bytes.count == 3:
      return bytes.map { String($0) }.joined(separator: ".")
    case .text(let text):
      return text
    case .array(let numbers):
      let parts = numbers.compactMap { number -> String? in
        if case .unsigned(let part) = number { return String(part) }
        return nil
      }
      return parts.count == numbers.count && !parts.isEmpty
        ? parts.joined(separator: ".") : nil
    default:
      return nil
    }
  }
}
