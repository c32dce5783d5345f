/// The first topic of a log: the Keccak-256 hash of the event's canonical signature.
public struct EventTopic: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The hash.
  public let hash: Hash32

  /// Takes a topic that is known already.
  public init(hash: Hash32) {
    self.hash = hash
  }

  /// Hashes a canonical signature such as `Transfer(address,address,uint256)`, taken as it is.
  public init(signature: some StringProtocol) {
    self.hash = Keccak256.hash(utf8: signature)
  }

  /// `0x` and 64 lower-case digits.
  public var description: String { hash.description }

  /// Orders by bytes.
  public static func < (left: EventTopic, right: EventTopic) -> Bool { left.hash < right.hash }
}
