/// Detectors of what goes wrong between contracts that share one storage: proxies, delegatecall, upgrades.
enum ProxyDetectors {
  /// All of them, in the order they run.
  static let all: [any Detector] = []
}
