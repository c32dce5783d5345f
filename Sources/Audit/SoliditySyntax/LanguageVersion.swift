/// A compiler version.
public struct CompilerVersion: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// Major number; 0 for every compiler so far.
  public let major: Int
  /// Minor number.
  public let minor: Int
  /// Patch number.
  public let patch: Int

  /// Makes a version.
  public init(_ major: Int, _ minor: Int, _ patch: Int) {
    self.major = major
    self.minor = minor
    self.patch = patch
  }

  /// The oldest version whose language is read.
  public static let oldest = CompilerVersion(0, 4, 11)
  /// The newest version whose language is read.
  public static let newest = CompilerVersion(0, 8, 36)

  /// Orders by major, minor, patch.
  public static func < (a: CompilerVersion, b: CompilerVersion) -> Bool {
    (a.major, a.minor, a.patch) < (b.major, b.minor, b.patch)
  }

  /// `0.8.28`
  public var description: String { "\(major).\(minor).\(patch)" }
}

/// Which compiler versions a file admits, taken from its `pragma solidity` lines.
public struct LanguageVersion: Hashable, Sendable {
  /// The dialect to read: the newest compiler the pragmas admit, or `CompilerVersion.newest` without a pragma.
  public let dialect: CompilerVersion
  /// The oldest compiler the pragmas admit.
  public let oldest: CompilerVersion
  /// Whether the file has a `pragma solidity`.
  public let isPinned: Bool

  /// Makes a language version.
  public init(dialect: CompilerVersion, oldest: CompilerVersion, isPinned: Bool) {
    self.dialect = dialect
    self.oldest = oldest
    self.isPinned = isPinned
  }
}
