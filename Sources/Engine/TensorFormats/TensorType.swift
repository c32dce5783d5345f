/// How the values of a tensor are stored. The raw values are the type numbers of GGUF files (ggml).
public enum TensorType: UInt32, CaseIterable, Hashable, Sendable {
  case f32 = 0
  case f16 = 1
  case q4_0 = 2
  case q4_1 = 3
  case q5_0 = 6
  case q5_1 = 7
  case q8_0 = 8
  case q2_K = 10
  case q3_K = 11
  case q4_K = 12
  case q5_K = 13
  case q6_K = 14
  case iq2_XXS = 16
  case iq2_XS = 17
  case iq3_XXS = 18
  case iq4_NL = 20
  case iq3_S = 21
  case iq2_S = 22
  case iq4_XS = 23
  case i8 = 24
  case i16 = 25
  case i32 = 26
  case i64 = 27
  case f64 = 28
  case bf16 = 30
  case mxfp4 = 39

  /// The number of values one block holds; 1 for plain numbers. A row holds whole blocks.
  public var valuesPerBlock: Int {
    switch self {
    case .f32, .f16, .bf16, .f64, .i8, .i16, .i32, .i64: 1
    case .q4_0, .q4_1, .q5_0, .q5_1, .q8_0, .iq4_NL, .mxfp4: 32
    case .q2_K, .q3_K, .q4_K, .q5_K, .q6_K, .iq2_XXS, .iq2_XS, .iq2_S, .iq3_XXS, .iq3_S, .iq4_XS:
      256
    }
  }

  /// The number of bytes one block takes.
  public var bytesPerBlock: Int {
    switch self {
    case .i8: 1
    case .f16, .bf16, .i16: 2
    case .f32, .i32: 4
    case .f64, .i64: 8
    case .q4_0, .iq4_NL: 18
    case .q4_1: 20
    case .q5_0: 22
    case .q5_1: 24
    case .q8_0: 34
    case .mxfp4: 17
    case .q2_K: 84
    case .q3_K: 110
    case .q4_K: 144
    case .q5_K: 176
    case .q6_K: 210
    case .iq2_XXS: 66
    case .iq2_XS: 74
    case .iq2_S: 82
    case .iq3_XXS: 98
    case .iq3_S: 110
    case .iq4_XS: 136
    }
  }

  /// The name as GGUF tools print it (`Q4_K`, `IQ2_XXS`, `F32`).
  public var name: String {
    switch self {
    case .mxfp4: "MXFP4"
    case .f32: "F32"
    case .f16: "F16"
    case .f64: "F64"
    case .bf16: "BF16"
    case .q4_0: "Q4_0"
    case .q4_1: "Q4_1"
    case .q5_0: "Q5_0"
    case .q5_1: "Q5_1"
    case .q8_0: "Q8_0"
    case .q2_K: "Q2_K"
    case .q3_K: "Q3_K"
    case .q4_K: "Q4_K"
    case .q5_K: "Q5_K"
    case .q6_K: "Q6_K"
    case .iq2_XXS: "IQ2_XXS"
    case .iq2_XS: "IQ2_XS"
    case .iq2_S: "IQ2_S"
    case .iq3_XXS: "IQ3_XXS"
    case .iq3_S: "IQ3_S"
    case .iq4_NL: "IQ4_NL"
    case .iq4_XS: "IQ4_XS"
    case .i8: "I8"
    case .i16: "I16"
    case .i32: "I32"
    case .i64: "I64"
    }
  }

  /// The type of that name, in any case; nil when there is none.
  public init?(name: String) {
    let upper = name.uppercased()
    guard let type = TensorType.allCases.first(where: { $0.name == upper }) else { return nil }
    self = type
  }

  /// Whether values are integers that are no weights (tables of ids).
  public var isInteger: Bool {
    switch self {
    case .i8, .i16, .i32, .i64: true
    default: false
    }
  }

  /// Whether values are stored as plain floating-point numbers.
  public var isFloatingPoint: Bool {
    switch self {
    case .f32, .f16, .bf16, .f64: true
    default: false
    }
  }

  /// The bytes that a row of `count` values takes; nil when `count` is no whole number of blocks, negative, or so
  /// large that the size overflows.
  public func byteCount(values count: Int) -> Int? {
    guard count >= 0, count % valuesPerBlock == 0 else { return nil }
    let (bytes, overflow) = (count / valuesPerBlock).multipliedReportingOverflow(by: bytesPerBlock)
    return overflow ? nil : bytes
  }
}
