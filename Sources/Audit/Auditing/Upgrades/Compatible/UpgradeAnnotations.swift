import Solidity
import SoliditySyntax

/// Reads the annotations of the OpenZeppelin upgrades plugins from NatSpec comments.
enum UpgradeAnnotations {
  static let allow = "oz-upgrades-unsafe-allow"
  static let allowReachable = "oz-upgrades-unsafe-allow-reachable"
  static let upgrades = "oz-upgrades"
  static let upgradesFrom = "oz-upgrades-from"
  static let validateAsInitializer = "oz-upgrades-validate-as-initializer"
  static let renamedFrom = "oz-renamed-from"
  static let retypedFrom = "oz-retyped-from"

  /// The arguments of all `@custom:tag` in a comment; nil if the tag does not appear. Text that only
  /// starts below the tag's line is no argument.
  static func arguments(of tag: String, in documentation: Documentation?) -> [String]? {
    let found = DocumentationTag.tags(of: documentation).filter { $0.name == "custom:\(tag)" }
    return found.isEmpty ? nil : found.filter(\.startsOnTagLine).flatMap(\.arguments)
  }

  /// The whole text behind the last `@custom:tag` of a comment.
  static func text(of tag: String, in documentation: Documentation?) -> String? {
    DocumentationTag.tags(of: documentation).last { $0.name == "custom:\(tag)" }?.text
  }

  private static func kinds(
    _ tag: String, _ documentation: Documentation?
  ) throws(CompatibilityFailure) -> Set<ValidationErrorKind> {
    guard let documentation, documentation.text.contains(tag) else { return [] }
    var kinds: Set<ValidationErrorKind> = []
    for argument in arguments(of: tag, in: documentation) ?? [] {
      guard let kind = ValidationErrorKind(rawValue: argument) else {
        throw .unknownAnnotationArgument(tag: tag, argument: argument)
      }
      kinds.insert(kind)
    }
    return kinds
  }

  /// Whether a comment allows a kind of error for the code it stands before.
  static func allows(
    _ kind: ValidationErrorKind, _ documentation: Documentation?
  ) throws(CompatibilityFailure) -> Bool {
    if try kinds(allow, documentation).contains(kind) { return true }
    return try allowsReachable(kind, documentation)
  }

  /// Whether a comment allows a kind of error also in everything that its code reaches.
  static func allowsReachable(
    _ kind: ValidationErrorKind, _ documentation: Documentation?
  ) throws(CompatibilityFailure) -> Bool {
    try kinds(allowReachable, documentation).contains(kind)
  }
}

extension ContractDefinition {
  /// The version this contract says it upgrades from (`@custom:oz-upgrades-from Name`), as written:
  /// a name, or `path:Name`.
  public var upgradesFrom: String? {
    UpgradeAnnotations.arguments(of: UpgradeAnnotations.upgradesFrom, in: documentation)?.first
  }
}
