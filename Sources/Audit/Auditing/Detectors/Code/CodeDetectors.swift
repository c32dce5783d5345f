/// Detectors of mistakes in the code itself: arithmetic, declarations, loops, interfaces, assembly, old
/// forms.
enum CodeDetectors {
  /// All of them, in the order they run.
  static let all: [any Detector] = [
    ArithmeticDetector(), AvailabilityDetector(), StorageDetector(), TokenDetector(),
    DeclarationDetector(), HygieneDetector(), ControlDetector(), ArrayDetector(),
  ]
}
