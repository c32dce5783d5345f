import SoliditySyntax

/// What the language provides without declaration.
///
/// Source: Solidity documentation, "Units and Globally Available Variables", and the lists of
/// breaking changes.
enum Builtins {
  /// Functions that are called by a bare name.
  static let functions: Set<String> = [
    "require", "assert", "revert", "keccak256", "sha256", "sha3", "ripemd160", "ecrecover",
    "addmod", "mulmod", "gasleft", "blockhash", "blobhash", "selfdestruct", "suicide", "log0",
    "log1", "log2", "log3", "log4", "type", "erc7201",
  ]

  /// Members of `block` that are numbers.
  static let blockNumbers: Set<String> = [
    "timestamp", "number", "difficulty", "prevrandao", "gaslimit", "chainid", "basefee",
    "blobbasefee",
  ]

  /// Members of `abi`.
  static let encodings: Set<String> = [
    "encode", "encodePacked", "encodeWithSelector", "encodeWithSignature", "encodeCall", "decode",
  ]

  /// The first version that knows a name and the first that does not any more, for names that not
  /// all versions know.
  static let versions: [String: Range<CompilerVersion>] = [
    "now": oldest..<CompilerVersion(0, 7, 0),
    "sha3": oldest..<CompilerVersion(0, 5, 0),
    "suicide": oldest..<CompilerVersion(0, 5, 0),
    "log0": oldest..<CompilerVersion(0, 8, 0),
    "log1": oldest..<CompilerVersion(0, 8, 0),
    "log2": oldest..<CompilerVersion(0, 8, 0),
    "log3": oldest..<CompilerVersion(0, 8, 0),
    "log4": oldest..<CompilerVersion(0, 8, 0),
    "abi": CompilerVersion(0, 4, 22)..<unbounded,
    "gasleft": CompilerVersion(0, 4, 21)..<unbounded,
    "blockhash": CompilerVersion(0, 4, 22)..<unbounded,
    "type": CompilerVersion(0, 5, 3)..<unbounded,
    "blobhash": CompilerVersion(0, 8, 24)..<unbounded,
    "erc7201": CompilerVersion(0, 8, 35)..<unbounded,
  ]

  private static let oldest = CompilerVersion(0, 0, 0)
  private static let unbounded = CompilerVersion(Int.max, 0, 0)

  /// What a call of a built-in yields, for those whose result does not depend on their arguments.
  static func result(of name: String) -> SolidityType {
    switch name {
    case "require", "assert", "revert", "selfdestruct", "suicide", "log0", "log1", "log2", "log3",
      "log4", "pop":
      .nothing
    case "keccak256", "sha256", "sha3", "blockhash", "blobhash": .bytes32
    case "ripemd160": .fixedBytes(20)
    case "ecrecover": .plainAddress
    case "addmod", "mulmod", "gasleft", "erc7201": .uint256
    case "abi.encode", "abi.encodePacked", "abi.encodeWithSelector", "abi.encodeWithSignature",
      "abi.encodeCall", "bytes.concat":
      .bytesMemory
    case "string.concat": .stringMemory
    default: .unknown
    }
  }
}
