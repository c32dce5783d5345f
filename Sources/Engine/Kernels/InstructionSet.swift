import CKernels

/// Which instructions the processor's kernels use. Results do not depend on it; speed does.
public enum InstructionSet: String, CaseIterable, Hashable, Sendable {
  /// What every processor of the architecture has.
  case scalar
  /// AVX2 with FMA and F16C.
  case avx2
  /// AVX-512 F, BW, VL, DQ, VNNI and VBMI.
  case avx512
  /// ARMv8.2 with dot products.
  case neon
  /// ARMv8.6 with matrix products of bytes.
  case neonI8mm

  /// The set of that name, in any case; nil when there is none.
  public init?(name: String) {
    let lower = name.lowercased()
    guard let set = InstructionSet.allCases.first(where: { $0.rawValue.lowercased() == lower })
    else { return nil }
    self = set
  }

  /// The best set of this machine.
  public static var best: InstructionSet {
    allCases.first { $0.number == maslin_best_instruction_set() } ?? .scalar
  }

  /// The sets of this machine, the plainest first.
  public static var available: [InstructionSet] {
    allCases.filter { maslin_vector_kernels_for($0.number) != nil }
  }

  /// The number C knows it by.
  var number: maslin_instruction_set {
    switch self {
    case .scalar: MASLIN_SCALAR
    case .avx2: MASLIN_AVX2
    case .avx512: MASLIN_AVX512
    case .neon: MASLIN_NEON
    case .neonI8mm: MASLIN_NEON_I8MM
    }
  }
}
