import SoliditySyntax

/// One tag of a NatSpec comment: `@title`, or `@custom:tag`.
///
/// Source: Solidity documentation, "NatSpec Format": a tag starts a line and takes the text up to the
/// next tag.
public struct DocumentationTag: Hashable, Sendable {
  /// The tag without the at sign; custom tags with their prefix: `dev`, `custom:storage-location`.
  public let name: String
  /// The text behind the tag, without white space at its ends.
  public let text: String

  /// Whether text stands on the tag's own line; some tools read a tag's arguments only then.
  public let startsOnTagLine: Bool

  /// The text split at white space.
  public var arguments: [String] { text.split(whereSeparator: \.isWhitespace).map(String.init) }

  /// The tags of a comment, in order. Text before the first tag is left out.
  public static func tags(of documentation: Documentation?) -> [DocumentationTag] {
    guard let documentation else { return [] }
    var tags: [DocumentationTag] = []
    var name: String?
    var lines: [Substring] = []
    func finish() {
      guard let name else { return }
      let text = lines.joined(separator: "\n")
      tags.append(
        DocumentationTag(
          name: name, text: trimmed(text[...]),
          startsOnTagLine: lines.first?.contains { !$0.isWhitespace } ?? false))
    }
    for line in documentation.text.split(
      omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    {
      let content = line.drop(while: \.isWhitespace)
      if content.first == "@", let end = tagEnd(content) {
        finish()
        name = String(content[content.index(after: content.startIndex)..<end])
        lines = [content[end...]]
      } else {
        lines.append(line)
      }
    }
    finish()
    return tags
  }

  /// Where the tag's name ends; nil if what follows the at sign is no name.
  private static func tagEnd(_ content: Substring) -> Substring.Index? {
    let name = content.dropFirst().prefix { $0.isLetter || $0.isNumber || "_:-".contains($0) }
    guard !name.isEmpty else { return nil }
    guard name.endIndex == content.endIndex || content[name.endIndex].isWhitespace else {
      return nil
    }
    return name.endIndex
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text.drop(while: \.isWhitespace)
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
