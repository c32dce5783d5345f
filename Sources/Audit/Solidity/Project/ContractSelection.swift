/// A path, perhaps with a contract chosen in it: `PATH` or `PATH:Contract`.
public struct ContractSelection: Hashable, Sendable {
  /// The path as given.
  public let path: String
  /// The contract's name; nil for all.
  public let contract: String?

  /// Makes a selection.
  public init(path: String, contract: String?) {
    self.path = path
    self.contract = contract
  }

  /// Reads `PATH` or `PATH:Contract`. A colon separates only where the whole text is no path and what
  /// follows the last colon can be a name.
  public init(
    _ text: String, in fileSystem: some FileSystem,
    workingDirectory: String = LocalFileSystem.workingDirectory
  ) {
    if fileSystem.kind(of: SourcePath.joined(workingDirectory, text)) == nil,
      let colon = text.lastIndex(of: ":"), colon != text.startIndex,
      Self.isName(text[text.index(after: colon)...])
    {
      self.init(
        path: String(text[..<colon]), contract: String(text[text.index(after: colon)...]))
    } else {
      self.init(path: text, contract: nil)
    }
  }

  private static func isName(_ text: some StringProtocol) -> Bool {
    guard let first = text.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
    else { return false }
    return text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"):
        true
      default: false
      }
    }
  }
}
