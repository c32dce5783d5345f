import GGUF
import TensorFormats

/// What every tensor of a model will become.
public struct QuantizationPlan: Sendable {
  /// Why a tensor gets its type.
  public enum Reason: Hashable, Sendable {
    /// The mix says so.
    case mix
    /// The user says so.
    case override
    /// Norms, biases, tables of ids, routers and other small tensors keep their precision.
    case kept
    /// Rows are no whole number of blocks of the wanted type.
    case fallback(from: TensorType)
  }

  /// The fate of one tensor.
  public struct Entry: Hashable, Sendable {
    /// The tensor's name.
    public let name: String
    /// Its type in the source.
    public let before: TensorType
    /// Its type in the result.
    public let after: TensorType
    /// Why.
    public let reason: Reason
  }

  /// One entry per tensor, in the order of the source.
  public let entries: [Entry]

  /// Chooses types.
  ///
  /// - Parameters:
  ///   - file: the model.
  ///   - mix: the recipe.
  ///   - overrides: patterns (regular expressions searched in tensor names) with types; the first that matches counts.
  ///   - hasImportance: whether importance weights will be used; some recipes differ.
  /// - Throws: for an invalid pattern, or an override that the tensor's shape does not allow.
  public init(
    for file: GGUFFile, mix: QuantizationMix, overrides: [TypeOverride] = [],
    hasImportance: Bool = false
  ) throws(QuantizationError) {
    let patterns = try overrides.map { override throws(QuantizationError) in
      (try override.compiled(), override.type)
    }
    let choice = MixChoice(
      metadata: file.metadata, tensors: file.tensors.map { TensorOutline($0) }, mix: mix,
      hasImportance: hasImportance)
    entries = try file.tensors.map { tensor throws(QuantizationError) in
      let overridden = patterns.first { tensor.name.firstMatch(of: $0.0) != nil }?.1
      if let overridden, !tensor.type.isInteger {
        guard tensor.columns % overridden.valuesPerBlock == 0 else {
          throw .tensor(
            name: tensor.name,
            problem: "rows of \(tensor.columns) values are no whole number of "
              + "\(overridden.name) blocks of \(overridden.valuesPerBlock)")
        }
        return Entry(
          name: tensor.name, before: tensor.type, after: overridden, reason: .override)
      }
      let outline = TensorOutline(tensor)
      if let kept = choice.keptType(outline) {
        return Entry(name: tensor.name, before: tensor.type, after: kept, reason: .kept)
      }
      let wanted = choice.type(outline)
      let possible = Self.fitting(wanted, columns: tensor.columns)
      return Entry(
        name: tensor.name, before: tensor.type, after: possible,
        reason: possible == wanted ? .mix : .fallback(from: wanted))
    }
  }

  /// The wanted type, or the next better one whose blocks fit into rows of `columns` values.
  static func fitting(_ type: TensorType, columns: Int) -> TensorType {
    if columns % type.valuesPerBlock == 0 { return type }
    let smaller: TensorType =
      switch type {
      case .iq2_XXS, .iq2_XS, .iq2_S, .iq3_XXS, .iq3_S, .iq4_XS: .iq4_NL
      case .q2_K, .q3_K: .q4_0
      case .q4_K: .q5_0
      case .q5_K: .q5_1
      case .q6_K: .q8_0
      default: .f16
      }
    return columns % smaller.valuesPerBlock == 0 ? smaller : .f16
  }
}

/// A pattern of tensor names and the type they get.
public struct TypeOverride: Hashable, Sendable {
  /// A regular expression, searched in names.
  public let pattern: String
  /// The type of tensors it matches.
  public let type: TensorType

  /// Parses `PATTERN=TYPE`.
  public init(_ text: String) throws(QuantizationError) {
    guard let equals = text.lastIndex(of: "="), equals > text.startIndex else {
      throw .override(text, problem: "expected PATTERN=TYPE")
    }
    let name = String(text[text.index(after: equals)...])
    guard let type = TensorType(name: name), TensorEncoder.supportedTypes.contains(type) else {
      throw .override(
        text,
        problem: "'\(name)' is no type that can be written; there are "
          + TensorEncoder.supportedTypes.map(\.name).joined(separator: ", "))
    }
    pattern = String(text[..<equals])
    self.type = type
    _ = try compiled()
  }

  func compiled() throws(QuantizationError) -> Regex<AnyRegexOutput> {
    do { return try Regex(pattern) } catch {
      throw .override("\(pattern)=\(type.name)", problem: "the pattern is no regular expression")
    }
  }
}
