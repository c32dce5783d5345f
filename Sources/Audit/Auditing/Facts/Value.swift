import BigInt
import SoliditySyntax
import Solidity

/// The number of a value (equally: an instruction) within its `FunctionGraph`.
public struct ValueID: Hashable, Sendable, Comparable {
  /// Index into `FunctionGraph.values`.
  public let index: Int32

  /// Makes an identifier.
  public init(_ index: Int) { self.index = Int32(truncatingIfNeeded: index) }

  /// Orders by creation.
  public static func < (a: ValueID, b: ValueID) -> Bool { a.index < b.index }
}

/// The number of a basic block within its `FunctionGraph`.
public struct BlockID: Hashable, Sendable, Comparable {
  /// Index into `FunctionGraph.blocks`.
  public let index: Int32

  /// Makes an identifier.
  public init(_ index: Int) { self.index = Int32(truncatingIfNeeded: index) }

  /// Orders by creation.
  public static func < (a: BlockID, b: BlockID) -> Bool { a.index < b.index }
}

/// Where an instruction stands in the source and what surrounds it.
public struct Origin: Hashable, Sendable {
  /// What surrounds an instruction.
  public struct Surroundings: OptionSet, Hashable, Sendable {
    /// The bits.
    public let rawValue: UInt8
    /// Makes a set from bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// Written in a modifier inlined around the body.
    public static let modifier = Surroundings(rawValue: 1)
    /// Written in inline assembly.
    public static let assembly = Surroundings(rawValue: 2)
    /// Arithmetic wraps silently: in `unchecked { }`, in assembly, or in a file of a dialect before 0.8.
    public static let wrapping = Surroundings(rawValue: 4)
    /// In an explicit `unchecked { }` block.
    public static let uncheckedBlock = Surroundings(rawValue: 8)
    /// Not written in the source: a default value, an implied conversion, an implied check.
    public static let implied = Surroundings(rawValue: 16)
    /// Inside the initial value of a state variable.
    public static let initializer = Surroundings(rawValue: 32)
  }
  /// The tree node that made the instruction; `node.unit` is the source unit.
  public let node: NodeID
  /// The bytes of that node.
  public let range: SourceRange
  /// What surrounds it.
  public let surroundings: Surroundings

  package init(node: NodeID, range: SourceRange, surroundings: Surroundings) {
    self.node = node
    self.range = range
    self.surroundings = surroundings
  }
}

/// An instruction together with the value it makes. Effects without a value have the type `.tuple([])`.
public struct Value: Sendable {
  /// What it does.
  public let operation: Operation
  /// The type of what it makes; `.unknown` where resolution could not tell.
  public let type: SolidityType
  /// Where it stands in the source.
  public let origin: Origin
  /// The block that holds it.
  public let block: BlockID
}

/// What the chain or the transaction provides.
public enum Environment: String, Hashable, Sendable {
  /// `msg.sender`, `caller()`
  case sender = "msg.sender"
  /// `msg.value`, `callvalue()`
  case callValue = "msg.value"
  /// `msg.data`
  case callData = "msg.data"
  /// `msg.sig`
  case signature = "msg.sig"
  /// `tx.origin`, `origin()`
  case transactionOrigin = "tx.origin"
  /// `tx.gasprice`
  case gasPrice = "tx.gasprice"
  /// `block.timestamp`, `now`
  case timestamp = "block.timestamp"
  /// `block.number`
  case blockNumber = "block.number"
  /// `block.difficulty`
  case difficulty = "block.difficulty"
  /// `block.prevrandao`
  case prevrandao = "block.prevrandao"
  /// `block.coinbase`
  case coinbase = "block.coinbase"
  /// `block.gaslimit`
  case gasLimit = "block.gaslimit"
  /// `block.chainid`
  case chainID = "block.chainid"
  /// `block.basefee`
  case baseFee = "block.basefee"
  /// `block.blobbasefee`
  case blobBaseFee = "block.blobbasefee"
  /// `this`, `address(this)`, `address()`
  case this = "this"
  /// `gasleft()`, `msg.gas`, `gas()`
  case gasLeft = "gasleft"
  /// `selfbalance()`; `address(this).balance` reads as `.balance(this)`
  case selfBalance = "selfbalance"
  /// `calldatasize()`
  case callDataSize = "calldatasize"
  /// `returndatasize()`
  case returnDataSize = "returndatasize"

  /// Whether a block producer chooses or anyone can foresee the value: poor sources of chance.
  public var isBlockData: Bool {
    switch self {
    case .timestamp, .blockNumber, .difficulty, .prevrandao, .coinbase, .gasLimit, .baseFee,
      .blobBaseFee:
      true
    default: false
    }
  }
}

/// What an instruction does. Operands are values of the same graph.
///
/// Short-circuit operators and conditionals keep their operands together (`shortCircuit`, `select`)
/// although their right-hand sides are evaluated in blocks of their own: they stand at the head of the
/// joining block and count as phis there.
public indirect enum Operation: Sendable {
  /// The parameter of that position. For constructors: of the most derived constructor.
  case parameter(Int, VariableDeclaration?)
  /// A constant, folded.
  case constant(ConstantValue)
  /// A read of the environment.
  case environment(Environment)
  /// `address.balance`, `balance(a)`
  case balance(ValueID)
  /// `address.code`, `address.codehash`, `extcodesize(a)`, ...: the name tells (`code`, `codehash`, `code.length`).
  case accountCode(String, ValueID)
  /// Arithmetic, bit operations, comparisons; also those of assembly. Never `&&`, `||`.
  /// `isChecked`: reverts on overflow (0.8 outside `unchecked`); always false for operators that cannot.
  /// `isSigned`: operands are signed integers.
  case binary(BinaryOperator, ValueID, ValueID, isChecked: Bool, isSigned: Bool)
  /// `!`, `~`, `-` (others are lowered to binary operations and writes).
  case unary(UnaryOperator, ValueID, isChecked: Bool)
  /// `a && b` (`.and`), `a || b` (`.or`).
  case shortCircuit(BinaryOperator, ValueID, ValueID)
  /// `c ? a : b`
  case select(ValueID, ValueID, ValueID)
  /// A conversion; explicit where written `T(x)`. The result type is the value's `type`.
  case convert(ValueID, from: SolidityType, isExplicit: Bool)
  /// One input per predecessor of the block, in the order of `BasicBlock.predecessors`.
  case phi([ValueID])
  /// A value nothing has set: the zero of its type.
  case zero
  /// A read of storage (or transient storage).
  case read(StoragePath)
  /// A write of storage. The value is nil for `delete`, `pop()` and `push()` without argument.
  case write(StoragePath, ValueID?, WriteKind)
  /// A pointer into storage (`S storage s = m[k]`); reads nothing.
  case storagePointer(StoragePath)
  /// A read of an immutable.
  case readImmutable(VariableDeclaration)
  /// A write of an immutable.
  case writeImmutable(VariableDeclaration, ValueID)
  /// A part of an aggregate in memory or call data: `s.x`, `a[i]`, `b.length`.
  case load(ValueID, [PathStep])
  /// The aggregate with one part replaced (weak: aliases are not followed).
  case update(ValueID, [PathStep], ValueID)
  /// A new aggregate: struct constructor, inline array, `new T[](n)` (then the only operand is the length).
  case aggregate(AggregateKind, [ValueID])
  /// A slice of call data: base, start, end.
  case slice(ValueID, ValueID?, ValueID?)
  /// Assembly: a word of memory, read at the address, given the state of memory.
  case memoryLoad(memory: ValueID, address: ValueID)
  /// Assembly: the state of memory after a write of `value` at `address`.
  case memoryStore(memory: ValueID, address: ValueID, value: ValueID, length: ValueID?)
  /// Assembly: the bytes `address ..< address + length` of memory.
  case memoryRange(memory: ValueID, address: ValueID, length: ValueID)
  /// Assembly: the state of memory where the assembly begins.
  case memory
  /// A built-in without effect on state, by full name: `keccak256`, `abi.encodePacked`, `ecrecover`, `addmod`,
  /// `blockhash`, `sha256`, `bytes.concat`, `type.max`, ..., and for assembly the remaining instructions by name.
  case builtin(String, [ValueID])
  /// A call of a function that runs in this contract's storage: internal, or a library's by delegatecall.
  case internalCall(InternalCall)
  /// A call of another account, or a creation.
  case externalCall(ExternalCall)
  /// Result `index` of a call that returns several, or of a single-result call: results are always read
  /// through this. For low-level calls 0 is the success flag and 1 the returned bytes.
  case result(ValueID, Int)
  /// The object in memory that an internal call was given as the argument of that position, as the call left it.
  case argumentAfter(ValueID, Int)
  /// Whether the external call of a `try` succeeded.
  case trySuccess(ValueID)
  /// The data a `catch` clause receives from the call.
  case caughtError(ValueID, Int)
  /// An event; nil for assembly logs and events that could not be resolved.
  case emit(EventDefinition?, [ValueID])
  /// `selfdestruct(beneficiary)`
  case selfdestruct(ValueID)
  /// A function used as a value.
  case functionReference(FunctionDefinition, receiver: ValueID?)
  /// Could not be lowered; the operands are what it was made from.
  case unknown([ValueID])
}

/// What an aggregate was made by.
public enum AggregateKind: Hashable, Sendable {
  /// `S(...)`
  case structure(Reference<StructDefinition>)
  /// `[a, b]`
  case inlineArray
  /// `new T[](n)`, `new bytes(n)`
  case allocation
  /// `(a, b)` where a tuple stays together.
  case tuple
}

/// A call of a function that runs in this contract's storage.
public struct InternalCall: Sendable {
  /// The function named; the one that runs depends on the contract when `dispatch` is `.virtual` or `.super`.
  /// Nil for calls through function pointers and unresolved callees.
  public let callee: FunctionDefinition?
  /// How the running function is found. `.libraryDelegate` for public library functions.
  public let dispatch: Dispatch
  /// The contract whose code contains the call (`super` starts after it).
  public let caller: ContractDefinition?
  /// Arguments in parameter order, a bound receiver first.
  public let arguments: [ValueID]
  /// The function value called, for pointers.
  public let pointer: ValueID?
  /// How many results the call has.
  public let resultCount: Int
}

/// A step into an aggregate or a storage object.
public enum PathStep: Hashable, Sendable {
  /// `.x` of a struct.
  case member(String)
  /// `[i]` of an array, mapping, bytes.
  case index(ValueID)
  /// `.length`
  case length
  /// The element made by `push`.
  case push
}

/// What a storage write does.
public enum WriteKind: Hashable, Sendable {
  /// `=` and compound assignment.
  case assign
  /// `++`, `--`, `+=`, ...: the value was computed from what stood there.
  case modify
  /// `delete`
  case delete
  /// `push`
  case push
  /// `pop`
  case pop
}
