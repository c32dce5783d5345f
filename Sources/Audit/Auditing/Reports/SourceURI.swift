/// The URI of a source file (RFC 3986).
struct SourceURI {
  /// The URI: relative for files below the root, with the scheme `file` otherwise.
  let text: String
  /// Whether it is relative to the root.
  let isRelative: Bool

  /// Makes the URI of a path as findings name it.
  ///
  /// - Parameter root: the absolute path that relative paths start from, if known.
  init(path: String, root: String?) {
    let rootSegments = root.map { SourceURI.normalized($0) } ?? []
    if path.hasPrefix("/") {
      let segments = SourceURI.normalized(path)
      if root != nil, segments.starts(with: rootSegments), segments.count > rootSegments.count {
        text = SourceURI.encoded(segments.dropFirst(rootSegments.count))
        isRelative = true
      } else {
        text = "file:///" + SourceURI.encoded(segments[...])
        isRelative = false
      }
      return
    }
    let segments = SourceURI.normalized(path)
    if segments.first == "..", root != nil {
      let absolute = SourceURI.normalized("/" + (rootSegments + segments).joined(separator: "/"))
      text = "file:///" + SourceURI.encoded(absolute[...])
      isRelative = false
    } else {
      text = SourceURI.encoded(segments[...])
      isRelative = true
    }
  }

  /// The URI of a directory given by its absolute path; ends in a slash.
  static func directory(_ path: String) -> String {
    let segments = normalized(path)
    return "file:///" + encoded(segments[...]) + (segments.isEmpty ? "" : "/")
  }

  /// The segments of a path without `.`, and without `..` where something precedes it.
  private static func normalized(_ path: String) -> [Substring] {
    var result: [Substring] = []
    for segment in path.split(separator: "/") where segment != "." {
      if segment == "..", let last = result.last, last != ".." {
        result.removeLast()
      } else if segment == "..", path.hasPrefix("/") {
        continue
      } else {
        result.append(segment)
      }
    }
    return result
  }

  private static func encoded(_ segments: ArraySlice<Substring>) -> String {
    segments.map { segment in
      var text = ""
      for byte in segment.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
          UInt8(ascii: "_"), UInt8(ascii: "~"):
          text.unicodeScalars.append(Unicode.Scalar(byte))
        default:
          let digits = String(byte, radix: 16, uppercase: true)
          text += "%" + (digits.count < 2 ? "0" : "") + digits
        }
      }
      return text
    }.joined(separator: "/")
  }
}
