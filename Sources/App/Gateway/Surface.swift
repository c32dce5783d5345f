import Dialects

/// The endpoints of one dialect, as a gateway mounts them.
public struct Surface: Sendable {
  /// The dialect's name in logs and figures: `openai`.
  public var name: String
  /// A header field, in lower case, that only clients of this dialect send; nil for none. Decides how unknown paths are
  /// answered, and which endpoint answers when several have the same path.
  public var marker: String?
  /// The endpoints.
  public var endpoints: [Endpoint]

  /// Makes a surface.
  public init(_ name: String, marker: String? = nil, endpoints: [Endpoint]) {
    self.name = name
    self.marker = marker
    self.endpoints = endpoints
  }
}
