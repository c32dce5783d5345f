import Solidity
import SoliditySyntax

/// The verdict that the OpenZeppelin upgrades plugins (1.46) give on an implementation.
public struct CompatibleVerdict: Sendable {
  /// Errors of the new version alone, after annotations and options.
  public let validationErrors: [ValidationError]
  /// Warnings of the new version alone; they do not count against it.
  public let warnings: [ValidationError]
  /// Unsafe differences of storage; empty without an old version.
  public let storageOperations: [StorageOperation]
  /// Why the plugins would stop without a verdict; nil if they would not.
  public let failure: CompatibilityFailure?
  /// The kind of proxy assumed.
  public let kind: UpgradeProxyKind

  /// Whether the plugins would let the version be deployed.
  public var isSafe: Bool {
    failure == nil && validationErrors.isEmpty && storageOperations.isEmpty
  }

  /// Judges a version, also as the successor of another if one is given.
  public init(of new: ContractVersion, after old: ContractVersion?, options: UpgradeOptions) {
    let validation = Validation(program: new.program)
    var isUUPS = validation.hasUpgradeFunction(new.contract)
    if let old {
      isUUPS = isUUPS || Validation(program: old.program).hasUpgradeFunction(old.contract)
    }
    let kind = options.kind ?? (isUUPS ? .uups : .transparent)
    self.kind = kind
    var errors: [ValidationError] = []
    var operations: [StorageOperation] = []
    var failure: CompatibilityFailure?
    do throws(CompatibilityFailure) {
      errors = try validation.errors(of: new.contract)
      operations = try CompatibleVerdict.operations(from: old, to: new, options)
      for version in [new] + (old.map { [$0] } ?? [])
      where Validation(program: version.program).isAbstract(version.contract) {
        throw .abstractContract(version.contract.name)
      }
    } catch {
      failure = error
    }
    errors.removeAll { error in
      if error.kind == .missingPublicUpgradeTo, kind != .uups { return true }
      return options.unsafeAllow.contains(error.kind)
    }
    validationErrors = errors.filter { !$0.kind.isWarning }
    warnings = errors.filter { $0.kind.isWarning }
    storageOperations = operations
    self.failure = failure
  }

  private static func operations(
    from old: ContractVersion?, to new: ContractVersion, _ options: UpgradeOptions
  ) throws(CompatibilityFailure) -> [StorageOperation] {
    let uses = options.usesNamespaceSlots
    let newLayout = try CompatibleLayout(of: new, usesNamespaceSlots: uses)
    guard let old, !options.unsafeSkipStorageCheck else { return [] }
    var comparison = StorageComparison(
      old: try CompatibleLayout(of: old, usesNamespaceSlots: uses), new: newLayout,
      allowsRenames: options.unsafeAllowRenames)
    return try comparison.operations()
  }

  /// Whether the plugins' command line would check the contract without being told to: it says so in an
  /// annotation, inherits `Initializable`, or has a public upgrade function.
  public static func isUpgradeable(_ version: ContractVersion) -> Bool {
    let validation = Validation(program: version.program)
    let documentation = version.contract.documentation
    return UpgradeAnnotations.arguments(of: UpgradeAnnotations.upgrades, in: documentation) != nil
      || version.contract.upgradesFrom != nil || validation.isInitializable(version.contract)
      || validation.hasUpgradeFunction(version.contract)
  }
}
