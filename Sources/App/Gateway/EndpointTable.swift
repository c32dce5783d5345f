import Dialects
import JSON

/// Finds the endpoint for a method and a path.
struct EndpointTable: Sendable {
  /// An endpoint and the surface it belongs to.
  struct Entry: Sendable {
    let surface: String
    let marker: String?
    let endpoint: Endpoint
    fileprivate let pattern: [Pattern]
    fileprivate let order: Int

    /// Method and template: `GET /v1/models/:model`.
    var name: String { "\(endpoint.method.rawValue) \(endpoint.path)" }
  }

  fileprivate enum Pattern: Hashable, Sendable {
    case literal(String)
    case parameter(String)
    case rest
  }

  /// What was found.
  enum Match: Sendable {
    case found(Entry, parameters: [String: String])
    /// The path is known with other methods. The entry tells how to say so.
    case otherMethods([String], Entry)
    /// Nothing; the entry is the nearest, nil when there are no endpoints at all.
    case nothing(nearest: Entry?)
  }

  private static let pathLimit = 4096
  private static let componentLimit = 64

  private let entries: [Entry]

  init(_ surfaces: [Surface]) {
    var entries: [Entry] = []
    for surface in surfaces {
      for endpoint in surface.endpoints {
        entries.append(
          Entry(
            surface: surface.name, marker: surface.marker, endpoint: endpoint,
            pattern: Self.components(endpoint.path).map { component in
              if component == "**" { return .rest }
              return component.hasPrefix(":")
                ? .parameter(String(component.dropFirst())) : .literal(component)
            }, order: entries.count))
      }
    }
    self.entries = entries
  }

  /// Finds an endpoint.
  ///
  /// - Parameters:
  ///   - path: as in the request, without query.
  ///   - hasMarker: whether the request has a header field.
  func match(
    method: String, path: String, hasMarker: (String) -> Bool
  ) -> Match {
    guard path.utf8.count <= Self.pathLimit, path.hasPrefix("/") else {
      return .nothing(nearest: entries.first)
    }
    let components = Self.components(path).map { Self.decoded($0) }
    guard components.count <= Self.componentLimit else { return .nothing(nearest: entries.first) }
    let candidates = entries.compactMap { entry in
      Self.parameters(of: entry.pattern, in: components).map { (entry, $0) }
    }
    let sorted = candidates.sorted { left, right in
      let (left, right) = (left.0, right.0)
      let ranks = (Self.rank(left.pattern), Self.rank(right.pattern))
      if ranks.0 != ranks.1 { return ranks.0.lexicographicallyPrecedes(ranks.1) }
      let marked = (left.marker.map(hasMarker) ?? false, right.marker.map(hasMarker) ?? false)
      if marked.0 != marked.1 { return marked.0 }
      return left.order < right.order
    }
    if let (entry, parameters) = sorted.first(where: { $0.0.endpoint.method.rawValue == method }) {
      return .found(entry, parameters: parameters)
    }
    // What can be read can be asked about.
    if method == "HEAD",
      let (entry, parameters) = sorted.first(where: { $0.0.endpoint.method == .get })
    {
      return .found(entry, parameters: parameters)
    }
    if let (entry, _) = sorted.first {
      var methods = Set(sorted.map { $0.0.endpoint.method.rawValue })
      if methods.contains("GET") { methods.insert("HEAD") }
      return .otherMethods(methods.sorted(), entry)
    }
    return .nothing(nearest: nearest(to: components, hasMarker: hasMarker))
  }

  /// The entry whose path shares the most with a path; among equals that whose marker the request has, then the first.
  private func nearest(to components: [String], hasMarker: (String) -> Bool) -> Entry? {
    var best: (entry: Entry, score: Int)?
    for entry in entries {
      var shared = 0
      while shared < entry.pattern.count, shared < components.count,
        entry.pattern[shared] == .literal(components[shared])
      {
        shared += 1
      }
      let score = shared * 2 + (entry.marker.map(hasMarker) == true ? 1 : 0)
      if score > best?.score ?? -1 { best = (entry, score) }
    }
    return best?.entry
  }

  private static func rank(_ pattern: [Pattern]) -> [Int] {
    pattern.map { part in
      switch part {
      case .literal: 0
      case .parameter: 1
      case .rest: 2
      }
    }
  }

  private static func parameters(
    of pattern: [Pattern], in components: [String]
  ) -> [String: String]? {
    var parameters: [String: String] = [:]
    for (index, part) in pattern.enumerated() {
      if part == .rest {
        guard index < components.count else { return nil }
        parameters["**"] = components[index...].joined(separator: "/")
        return parameters
      }
      guard index < components.count else { return nil }
      switch part {
      case .literal(let text): guard components[index] == text else { return nil }
      case .parameter(let name):
        guard !components[index].isEmpty else { return nil }
        parameters[name] = components[index]
      case .rest: break
      }
    }
    return pattern.count == components.count ? parameters : nil
  }

  /// The parts of a path between its slashes; a slash at the end is ignored.
  private static func components(_ path: String) -> [String] {
    var parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    if parts.count > 1, parts.last == "" { parts.removeLast() }
    return parts.map(String.init)
  }

  /// Percent-decoded; bytes that are no UTF-8 are replaced, and so match nothing.
  static func decoded(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String {
    let bytes = Array(text.utf8)
    guard bytes.contains(UInt8(ascii: "%")) || (plusIsSpace && bytes.contains(UInt8(ascii: "+")))
    else { return String(text) }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
        let high = hexDigit(bytes[index + 1]), let low = hexDigit(bytes[index + 2])
      {
        result.append(high << 4 | low)
        index += 3
      } else {
        result.append(
          plusIsSpace && bytes[index] == UInt8(ascii: "+") ? UInt8(ascii: " ") : bytes[index])
        index += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  private static func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  /// The values of a query, percent-decoded; of several with the same name the last.
  static func query(_ text: some StringProtocol) -> [String: String] {
    var values: [String: String] = [:]
    for pair in text.split(separator: "&").prefix(100) {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let value = parts.count > 1 ? decoded(parts[1], plusIsSpace: true) : ""
      values[decoded(parts[0], plusIsSpace: true)] = value
    }
    return values
  }
}
