/// Why a tensor cannot be computed with.
public enum KernelError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The back end has no kernel for this type of weights.
  case unsupportedType(tensor: String, type: String)
  /// The tensor's bytes do not have the size its shape and type ask for.
  case wrongSize(tensor: String, expected: Int, found: Int)
  /// Rows of the tensor are no whole number of blocks, or its size cannot be represented.
  case impossibleShape(tensor: String, type: String, shape: [Int])
  /// The machine or the program's settings do not allow the instruction set asked for.
  case unavailableInstructionSet(String)
  /// Threads of the pool could not be started.
  case threads(String)

  /// A sentence for people.
  public var description: String {
    switch self {
    case .unsupportedType(let tensor, let type):
      "tensor '\(tensor)' is stored as \(type), which cannot be multiplied with"
    case .wrongSize(let tensor, let expected, let found):
      "tensor '\(tensor)' takes \(found) bytes, its shape asks for \(expected)"
    case .impossibleShape(let tensor, let type, let shape):
      "tensor '\(tensor)' cannot be of type \(type) and shape \(shape)"
    case .unavailableInstructionSet(let name):
      "this machine does not have \(name)"
    case .threads(let reason):
      "the compute threads could not be started: \(reason)"
    }
  }
}
