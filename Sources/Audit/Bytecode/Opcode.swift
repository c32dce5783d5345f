/// One byte of EVM code read as an instruction, under the rules of the Osaka fork.
///
/// Instructions of earlier forks are a subset, so code of any age reads the same.
public struct Opcode: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The byte.
  public let rawValue: UInt8

  /// Takes any byte, defined as an instruction or not.
  public init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// The instruction's name, `PUSH1` to `SWAP16` and `LOG0` to `LOG4` numbered; `UNKNOWN_xx` for a
  /// byte that the fork does not define.
  public var description: String {
    if let name = Opcode.traits[Int(rawValue)]?.name { return name }
    let digits = String(rawValue, radix: 16)
    return "UNKNOWN_" + (digits.count == 1 ? "0" + digits : digits)
  }

  /// Whether the fork defines the instruction. `INVALID` (0xfe) is defined, to fail.
  public var isDefined: Bool { Opcode.traits[Int(rawValue)] != nil }

  /// Items taken from the stack; for `DUPn` and `SWAPn` those that must be there.
  public var pops: Int { Opcode.traits[Int(rawValue)]?.pops ?? 0 }

  /// Items put on the stack.
  public var pushes: Int { Opcode.traits[Int(rawValue)]?.pushes ?? 0 }

  /// Bytes of the operand that follow in the code: 1 to 32 for `PUSH1` to `PUSH32`, else 0.
  public var immediateSize: Int {
    (0x60...0x7f).contains(rawValue) ? Int(rawValue) - 0x5f : 0
  }

  /// Whether the instruction puts a constant on the stack, `PUSH0` included.
  public var isPush: Bool { (0x5f...0x7f).contains(rawValue) }

  /// 1...16 for `DUP1` to `DUP16`.
  public var duplicateDepth: Int? {
    (0x80...0x8f).contains(rawValue) ? Int(rawValue) - 0x7f : nil
  }

  /// 1...16 for `SWAP1` to `SWAP16`.
  public var swapDepth: Int? {
    (0x90...0x9f).contains(rawValue) ? Int(rawValue) - 0x8f : nil
  }

  /// 0...4 for `LOG0` to `LOG4`.
  public var logTopicCount: Int? {
    (0xa0...0xa4).contains(rawValue) ? Int(rawValue) - 0xa0 : nil
  }

  /// Whether execution of the frame ends here, in success or failure. Bytes that are not defined
  /// end it too.
  public var endsExecution: Bool {
    switch self {
    case .stop, .return, .revert, .invalid, .selfdestruct: true
    default: !isDefined
    }
  }

  /// Whether a basic block ends after the instruction.
  public var endsBlock: Bool { self == .jump || self == .jumpi || endsExecution }

  /// Orders by byte.
  public static func < (left: Opcode, right: Opcode) -> Bool { left.rawValue < right.rawValue }

  private struct Traits: Sendable {
    let name: String
    let pops: Int
    let pushes: Int
  }

  private static let traits: [Traits?] = {
    var table = [Traits?](repeating: nil, count: 256)
    for (byte, name, pops, pushes) in named {
      table[byte] = Traits(name: name, pops: pops, pushes: pushes)
    }
    for size in 1...32 { table[0x5f + size] = Traits(name: "PUSH\(size)", pops: 0, pushes: 1) }
    for depth in 1...16 {
      table[0x7f + depth] = Traits(name: "DUP\(depth)", pops: depth, pushes: depth + 1)
      table[0x8f + depth] = Traits(name: "SWAP\(depth)", pops: depth + 1, pushes: depth + 1)
    }
    for topics in 0...4 {
      table[0xa0 + topics] = Traits(name: "LOG\(topics)", pops: topics + 2, pushes: 0)
    }
    return table
  }()

  /// Byte, name, items taken, items put.
  private static let named: [(Int, String, Int, Int)] = [
    (0x00, "STOP", 0, 0),
    (0x01, "ADD", 2, 1),
    (0x02, "MUL", 2, 1),
    (0x03, "SUB", 2, 1),
    (0x04, "DIV", 2, 1),
    (0x05, "SDIV", 2, 1),
    (0x06, "MOD", 2, 1),
    (0x07, "SMOD", 2, 1),
    (0x08, "ADDMOD", 3, 1),
    (0x09, "MULMOD", 3, 1),
    (0x0a, "EXP", 2, 1),
    (0x0b, "SIGNEXTEND", 2, 1),
    (0x10, "LT", 2, 1),
    (0x11, "GT", 2, 1),
    (0x12, "SLT", 2, 1),
    (0x13, "SGT", 2, 1),
    (0x14, "EQ", 2, 1),
    (0x15, "ISZERO", 1, 1),
    (0x16, "AND", 2, 1),
    (0x17, "OR", 2, 1),
    (0x18, "XOR", 2, 1),
    (0x19, "NOT", 1, 1),
    (0x1a, "BYTE", 2, 1),
    (0x1b, "SHL", 2, 1),
    (0x1c, "SHR", 2, 1),
    (0x1d, "SAR", 2, 1),
    (0x1e, "CLZ", 1, 1),
    (0x20, "KECCAK256", 2, 1),
    (0x30, "ADDRESS", 0, 1),
    (0x31, "BALANCE", 1, 1),
    (0x32, "ORIGIN", 0, 1),
    (0x33, "CALLER", 0, 1),
    (0x34, "CALLVALUE", 0, 1),
    (0x35, "CALLDATALOAD", 1, 1),
    (0x36, "CALLDATASIZE", 0, 1),
    (0x37, "CALLDATACOPY", 3, 0),
    (0x38, "CODESIZE", 0, 1),
    (0x39, "CODECOPY", 3, 0),
    (0x3a, "GASPRICE", 0, 1),
    (0x3b, "EXTCODESIZE", 1, 1),
    (0x3c, "EXTCODECOPY", 4, 0),
    (0x3d, "RETURNDATASIZE", 0, 1),
    (0x3e, "RETURNDATACOPY", 3, 0),
    (0x3f, "EXTCODEHASH", 1, 1),
    (0x40, "BLOCKHASH", 1, 1),
    (0x41, "COINBASE", 0, 1),
    (0x42, "TIMESTAMP", 0, 1),
    (0x43, "NUMBER", 0, 1),
    (0x44, "PREVRANDAO", 0, 1),
    (0x45, "GASLIMIT", 0, 1),
    (0x46, "CHAINID", 0, 1),
    (0x47, "SELFBALANCE", 0, 1),
    (0x48, "BASEFEE", 0, 1),
    (0x49, "BLOBHASH", 1, 1),
    (0x4a, "BLOBBASEFEE", 0, 1),
    (0x50, "POP", 1, 0),
    (0x51, "MLOAD", 1, 1),
    (0x52, "MSTORE", 2, 0),
    (0x53, "MSTORE8", 2, 0),
    (0x54, "SLOAD", 1, 1),
    (0x55, "SSTORE", 2, 0),
    (0x56, "JUMP", 1, 0),
    (0x57, "JUMPI", 2, 0),
    (0x58, "PC", 0, 1),
    (0x59, "MSIZE", 0, 1),
    (0x5a, "GAS", 0, 1),
    (0x5b, "JUMPDEST", 0, 0),
    (0x5c, "TLOAD", 1, 1),
    (0x5d, "TSTORE", 2, 0),
    (0x5e, "MCOPY", 3, 0),
    (0x5f, "PUSH0", 0, 1),
    (0xf0, "CREATE", 3, 1),
    (0xf1, "CALL", 7, 1),
    (0xf2, "CALLCODE", 7, 1),
    (0xf3, "RETURN", 2, 0),
    (0xf4, "DELEGATECALL", 6, 1),
    (0xf5, "CREATE2", 4, 1),
    (0xfa, "STATICCALL", 6, 1),
    (0xfd, "REVERT", 2, 0),
    (0xfe, "INVALID", 0, 0),
    (0xff, "SELFDESTRUCT", 1, 0),
  ]
}

extension Opcode {
  /// `STOP`.
  public static let stop = Opcode(rawValue: 0x00)
  /// `ADD`.
  public static let add = Opcode(rawValue: 0x01)
  /// `MUL`.
  public static let mul = Opcode(rawValue: 0x02)
  /// `SUB`.
  public static let sub = Opcode(rawValue: 0x03)
  /// `DIV`.
  public static let div = Opcode(rawValue: 0x04)
  /// `SDIV`.
  public static let sdiv = Opcode(rawValue: 0x05)
  /// `MOD`.
  public static let mod = Opcode(rawValue: 0x06)
  /// `SMOD`.
  public static let smod = Opcode(rawValue: 0x07)
  /// `ADDMOD`.
  public static let addmod = Opcode(rawValue: 0x08)
  /// `MULMOD`.
  public static let mulmod = Opcode(rawValue: 0x09)
  /// `EXP`.
  public static let exp = Opcode(rawValue: 0x0a)
  /// `SIGNEXTEND`.
  public static let signextend = Opcode(rawValue: 0x0b)
  /// `LT`.
  public static let lt = Opcode(rawValue: 0x10)
  /// `GT`.
  public static let gt = Opcode(rawValue: 0x11)
  /// `SLT`.
  public static let slt = Opcode(rawValue: 0x12)
  /// `SGT`.
  public static let sgt = Opcode(rawValue: 0x13)
  /// `EQ`.
  public static let eq = Opcode(rawValue: 0x14)
  /// `ISZERO`.
  public static let iszero = Opcode(rawValue: 0x15)
  /// `AND`.
  public static let and = Opcode(rawValue: 0x16)
  /// `OR`.
  public static let or = Opcode(rawValue: 0x17)
  /// `XOR`.
  public static let xor = Opcode(rawValue: 0x18)
  /// `NOT`.
  public static let not = Opcode(rawValue: 0x19)
  /// `BYTE`.
  public static let byte = Opcode(rawValue: 0x1a)
  /// `SHL`.
  public static let shl = Opcode(rawValue: 0x1b)
  /// `SHR`.
  public static let shr = Opcode(rawValue: 0x1c)
  /// `SAR`.
  public static let sar = Opcode(rawValue: 0x1d)
  /// `CLZ`.
  public static let clz = Opcode(rawValue: 0x1e)
  /// `KECCAK256`.
  public static let keccak256 = Opcode(rawValue: 0x20)
  /// `ADDRESS`.
  public static let address = Opcode(rawValue: 0x30)
  /// `BALANCE`.
  public static let balance = Opcode(rawValue: 0x31)
  /// `ORIGIN`.
  public static let origin = Opcode(rawValue: 0x32)
  /// `CALLER`.
  public static let caller = Opcode(rawValue: 0x33)
  /// `CALLVALUE`.
  public static let callvalue = Opcode(rawValue: 0x34)
  /// `CALLDATALOAD`.
  public static let calldataload = Opcode(rawValue: 0x35)
  /// `CALLDATASIZE`.
  public static let calldatasize = Opcode(rawValue: 0x36)
  /// `CALLDATACOPY`.
  public static let calldatacopy = Opcode(rawValue: 0x37)
  /// `CODESIZE`.
  public static let codesize = Opcode(rawValue: 0x38)
  /// `CODECOPY`.
  public static let codecopy = Opcode(rawValue: 0x39)
  /// `GASPRICE`.
  public static let gasprice = Opcode(rawValue: 0x3a)
  /// `EXTCODESIZE`.
  public static let extcodesize = Opcode(rawValue: 0x3b)
  /// `EXTCODECOPY`.
  public static let extcodecopy = Opcode(rawValue: 0x3c)
  /// `RETURNDATASIZE`.
  public static let returndatasize = Opcode(rawValue: 0x3d)
  /// `RETURNDATACOPY`.
  public static let returndatacopy = Opcode(rawValue: 0x3e)
  /// `EXTCODEHASH`.
  public static let extcodehash = Opcode(rawValue: 0x3f)
  /// `BLOCKHASH`.
  public static let blockhash = Opcode(rawValue: 0x40)
  /// `COINBASE`.
  public static let coinbase = Opcode(rawValue: 0x41)
  /// `TIMESTAMP`.
  public static let timestamp = Opcode(rawValue: 0x42)
  /// `NUMBER`.
  public static let number = Opcode(rawValue: 0x43)
  /// `PREVRANDAO`.
  public static let prevrandao = Opcode(rawValue: 0x44)
  /// `GASLIMIT`.
  public static let gaslimit = Opcode(rawValue: 0x45)
  /// `CHAINID`.
  public static let chainid = Opcode(rawValue: 0x46)
  /// `SELFBALANCE`.
  public static let selfbalance = Opcode(rawValue: 0x47)
  /// `BASEFEE`.
  public static let basefee = Opcode(rawValue: 0x48)
  /// `BLOBHASH`.
  public static let blobhash = Opcode(rawValue: 0x49)
  /// `BLOBBASEFEE`.
  public static let blobbasefee = Opcode(rawValue: 0x4a)
  /// `POP`.
  public static let pop = Opcode(rawValue: 0x50)
  /// `MLOAD`.
  public static let mload = Opcode(rawValue: 0x51)
  /// `MSTORE`.
  public static let mstore = Opcode(rawValue: 0x52)
  /// `MSTORE8`.
  public static let mstore8 = Opcode(rawValue: 0x53)
  /// `SLOAD`.
  public static let sload = Opcode(rawValue: 0x54)
  /// `SSTORE`.
  public static let sstore = Opcode(rawValue: 0x55)
  /// `JUMP`.
  public static let jump = Opcode(rawValue: 0x56)
  /// `JUMPI`.
  public static let jumpi = Opcode(rawValue: 0x57)
  /// `PC`.
  public static let pc = Opcode(rawValue: 0x58)
  /// `MSIZE`.
  public static let msize = Opcode(rawValue: 0x59)
  /// `GAS`.
  public static let gas = Opcode(rawValue: 0x5a)
  /// `JUMPDEST`.
  public static let jumpdest = Opcode(rawValue: 0x5b)
  /// `TLOAD`.
  public static let tload = Opcode(rawValue: 0x5c)
  /// `TSTORE`.
  public static let tstore = Opcode(rawValue: 0x5d)
  /// `MCOPY`.
  public static let mcopy = Opcode(rawValue: 0x5e)
  /// `PUSH0`.
  public static let push0 = Opcode(rawValue: 0x5f)
  /// `CREATE`.
  public static let create = Opcode(rawValue: 0xf0)
  /// `CALL`.
  public static let call = Opcode(rawValue: 0xf1)
  /// `CALLCODE`.
  public static let callcode = Opcode(rawValue: 0xf2)
  /// `RETURN`.
  public static let `return` = Opcode(rawValue: 0xf3)
  /// `DELEGATECALL`.
  public static let delegatecall = Opcode(rawValue: 0xf4)
  /// `CREATE2`.
  public static let create2 = Opcode(rawValue: 0xf5)
  /// `STATICCALL`.
  public static let staticcall = Opcode(rawValue: 0xfa)
  /// `REVERT`.
  public static let revert = Opcode(rawValue: 0xfd)
  /// `INVALID`.
  public static let invalid = Opcode(rawValue: 0xfe)
  /// `SELFDESTRUCT`.
  public static let selfdestruct = Opcode(rawValue: 0xff)
}
