import BigInt
import Ethereum
import SoliditySyntax

/// The place of a struct named in its NatSpec comment: `@custom:storage-location erc7201:example.main`.
public struct StorageNamespace: Hashable, Sendable {
  /// How the slot comes from the id.
  public enum Formula: String, Hashable, Sendable {
    /// `keccak256(abi.encode(uint256(keccak256(id)) - 1)) & ~0xff`.
    case erc7201
    /// `keccak256(id)`, the formula of diamond storage.
    case erc8042
  }
  /// The formula's name as written; nil if none or no known one was.
  public let formula: Formula?
  /// The id, after the formula's colon.
  public let id: String
  /// The whole annotation: `erc7201:example.main`.
  public let annotation: String

  /// Reads an annotation's argument.
  public init(annotation: String) {
    self.annotation = annotation
    let parts = annotation.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    if parts.count == 2, let formula = Formula(rawValue: String(parts[0])) {
      self.formula = formula
      id = String(parts[1])
    } else {
      formula = nil
      id = annotation
    }
  }

  /// The annotation of a struct; nil without one. Sources: ERC-7201, ERC-8042.
  public init?(of structure: StructDefinition) {
    let tags = DocumentationTag.tags(of: structure.documentation)
    guard let tag = tags.first(where: { $0.name == "custom:storage-location" }), !tag.text.isEmpty
    else { return nil }
    // ERC-7201 ids hold no white space; ERC-8042 ids may, up to the end of the line.
    let line = tag.text.prefix { !$0.isNewline }
    let isSpaced = line.hasPrefix("erc8042:")
    self.init(annotation: isSpaced ? String(line) : tag.arguments.first ?? "")
  }

  /// The first slot; nil if the formula is not known.
  public var slot: BigUInt? {
    switch formula {
    case .erc7201: SlotText.number(StorageLocation.erc7201(id: id))
    case .erc8042: SlotText.number(Keccak256.hash(utf8: id).word)
    case nil: nil
    }
  }
}
