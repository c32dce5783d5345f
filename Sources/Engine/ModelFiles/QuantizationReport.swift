import TensorFormats

/// What quantising did to a model.
public struct QuantizationReport: Hashable, Sendable {
  /// What it did to one tensor.
  public struct Tensor: Hashable, Sendable {
    /// Name, types and the reason for them.
    public let entry: QuantizationPlan.Entry
    /// The sizes of the axes.
    public let shape: [Int]
    /// The size in the source.
    public let bytesBefore: Int
    /// The size in the result.
    public let bytesAfter: Int
    /// The root of the mean squared difference between the values before and after.
    public let rootMeanSquareError: Double
    /// The same, relative to the root mean square of the values.
    public let relativeError: Double
  }

  /// All tensors, in the order of the file.
  public internal(set) var tensors: [Tensor]

  /// The size of all tensors in the source.
  public var bytesBefore: Int { tensors.reduce(0) { $0 + $1.bytesBefore } }
  /// The size of all tensors in the result.
  public var bytesAfter: Int { tensors.reduce(0) { $0 + $1.bytesAfter } }
  /// The tensors that could not get the type of the mix.
  public var fallbacks: [Tensor] {
    tensors.filter { if case .fallback = $0.entry.reason { true } else { false } }
  }
}
