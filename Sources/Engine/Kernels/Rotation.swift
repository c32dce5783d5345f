/// Rotary position embedding: which columns of a head turn, in which pairs, how fast.
public struct Rotation: Hashable, Sendable {
  /// Which columns form a pair.
  public enum Pairing: Hashable, Sendable {
    /// Columns 2i and 2i + 1 (DeepSeek, Llama in GGUF order).
    case adjacent
    /// Columns i and i + width / 2 (GPT-NeoX order: Qwen).
    case halves
  }

  /// The first rotated column of a head.
  public var offset: Int
  /// The number of rotated columns; even.
  public var width: Int
  /// Which columns form a pair.
  public var pairing: Pairing
  /// The angle of pair i at position p is `p * frequencies[i]`, computed in f64; `width / 2` values.
  public var frequencies: [Double]
  /// Sine and cosine are multiplied by this (YaRN's magnitude; 1 for DeepSeek V4).
  public var magnitude: Float

  /// Makes a rotation.
  public init(
    offset: Int, width: Int, pairing: Pairing, frequencies: [Double], magnitude: Float = 1
  ) {
    self.offset = offset
    self.width = width
    self.pairing = pairing
    self.frequencies = frequencies
    self.magnitude = magnitude
  }
}

/// A small number format that cached vectors are rounded to and back (specification of DeepSeek V4, 5.6).
public enum RoundingFormat: Hashable, Sendable {
  /// fp8 e4m3 in groups of 64 with a power-of-two scale.
  case float8E4M3
  /// fp4 e2m1 in groups of 32 with a power-of-two scale.
  case float4E2M1

  /// The number of values that share a scale.
  public var groupSize: Int {
    switch self {
    case .float8E4M3: 64
    case .float4E2M1: 32
    }
  }
}
