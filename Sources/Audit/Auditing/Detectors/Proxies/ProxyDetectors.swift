import SoliditySyntax
import Solidity

/// Detectors of what goes wrong between contracts that share one storage: proxies, delegatecall, upgrades.
enum ProxyDetectors {
  /// All of them, in the order they run.
  static let all: [any Detector] = [ProxyDetector()]
}

/// One group of checks on proxies.
protocol ProxyCheck: Sendable {
  /// The rules it makes findings of.
  var rules: [Rule] { get }
  /// The findings, in a fixed order.
  func findings(in system: ProxySystem) -> [Finding]
}

/// Runs all checks on proxies over one shared picture of the program: which contracts are proxies, and which
/// implementation belongs to which.
struct ProxyDetector: Detector {
  private static let checks: [any ProxyCheck] = [
    StorageCollisionCheck(), DelegatecallCheck(), UnprotectedUpgradeCheck(), InitializerCheck(),
    InitializerOrderCheck(), SelectorClashCheck(), UUPSCheck(), FacetStorageCheck(),
    NamespaceCheck(),
    AccountDelegateCheck(), UpgradeStorageCheck(),
  ]

  var rules: [Rule] { ProxyDetector.checks.flatMap(\.rules) }

  func findings(in context: AuditContext) -> [Finding] {
    let system = ProxySystem(facts: context.facts)
    return ProxyDetector.checks.flatMap { check -> [Finding] in
      guard check.rules.contains(where: { context.selection.contains($0.id) }) else { return [] }
      return check.findings(in: system)
    }
  }
}
