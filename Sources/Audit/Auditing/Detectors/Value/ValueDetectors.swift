/// Detectors of how value is lost: reentrancy, unchecked calls, missing permission, forged signatures,
/// bent prices.
enum ValueDetectors {
  /// All of them, in the order they run.
  static let all: [any Detector] = [
    ReentrancyDetector(), UncheckedCallDetector(), ArbitrarySendDetector(), OriginDetector(),
    AccessControlDetector(), RandomnessDetector(), SignatureDetector(), OracleDetector(),
  ]
}
