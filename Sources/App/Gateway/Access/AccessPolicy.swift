import Dialects
import HTTPTypes

/// Whom the gateway answers: checks that need nothing but the head of a request.
struct AccessPolicy: Sendable {
  private static let methods = "GET, HEAD, POST, DELETE"
  private static let exposed =
    "x-request-id, request-id, x-maslin-reused-tokens, retry-after, mcp-session-id"

  private let token: AccessToken?
  private let hosts: Set<String>
  private let origins: Set<String>
  private let answersAnyAddress: Bool

  init(_ configuration: GatewayConfiguration) {
    token = configuration.token
    var hosts = Set(configuration.allowedHosts.map { HostName($0).name })
    var answersAnyAddress = false
    for case .network(let host, _) in configuration.addresses {
      let host = HostName(host)
      if host.isWildcard { answersAnyAddress = true } else { hosts.insert(host.name) }
    }
    self.hosts = hosts
    origins = Set(configuration.allowedOrigins.map { $0.lowercased() })
    self.answersAnyAddress = answersAnyAddress
  }

  /// Checks that the request was meant for this gateway. A web page whose name a name server points at this machine (DNS
  /// rebinding) sends that name.
  ///
  /// - Throws: `EndpointError.forbidden`.
  func checkHost(_ request: HTTPRequest) throws(EndpointError) {
    // A second Host field stays among the others.
    guard let authority = request.authority, request.headerFields.values(of: "host").isEmpty else {
      throw .forbidden("the request must have exactly one Host field")
    }
    guard let host = HostName(authority: authority) else {
      throw .forbidden("the Host field is no host name")
    }
    if host.isLoopback || hosts.contains(host.name) { return }
    // An address cannot be pointed elsewhere by a name server.
    if answersAnyAddress, host.isAddress { return }
    throw .forbidden(
      "this server does not answer to the host name '\(host.name)'; allow it with --allow-host")
  }

  /// What a request's origin means for the reply.
  enum Origin: Hashable, Sendable {
    /// No page of another origin asks.
    case own
    /// A page of this origin asks, and may.
    case allowed(String)
  }

  /// Checks which web page asks, if one does.
  ///
  /// - Throws: `EndpointError.forbidden`.
  func checkOrigin(_ request: HTTPRequest) throws(EndpointError) -> Origin {
    guard let origin = request.headerFields[.origin]?.lowercased() else { return .own }
    if let authority = request.authority?.lowercased(),
      origin == "http://" + authority || origin == "https://" + authority
    {
      return .own
    }
    guard origins.contains(origin) else {
      throw .forbidden("pages of other origins may not use this server; see --allow-origin")
    }
    return .allowed(origin)
  }

  /// Checks the token: `Authorization: Bearer` or `x-api-key`. Tokens in addresses are not accepted, since those are
  /// written to logs and histories.
  ///
  /// - Throws: `EndpointError.unauthorized`.
  func checkToken(_ fields: HTTPFields) throws(EndpointError) {
    guard let token else { return }
    var given: [Substring] = fields.values(of: "x-api-key").map { Substring($0) }
    for value in fields[values: .authorization] {
      let words = value.split(separator: " ", maxSplits: 1)
      if words.count == 2, words[0].lowercased() == "bearer" { given.append(words[1]) }
    }
    guard !given.isEmpty else {
      throw .unauthorized(
        "a token is needed, as 'Authorization: Bearer TOKEN' or 'x-api-key: TOKEN'; "
          + "the server names the file that holds it when it starts")
    }
    guard given.contains(where: { token.matches($0) }) else {
      throw .unauthorized(
        "the token is wrong; the server names the file that holds it when it starts")
    }
  }

  /// Fields that every reply to a page of an allowed origin needs (Fetch standard, 3.3).
  func fields(for origin: Origin) -> [(name: String, value: String)] {
    guard !origins.isEmpty else { return [] }
    guard case .allowed(let name) = origin else { return [("vary", "origin")] }
    return [
      ("access-control-allow-origin", name), ("vary", "origin"),
      ("access-control-expose-headers", Self.exposed),
    ]
  }

  /// Further fields of the reply to a preflight request; nil when the request is none.
  func preflight(_ request: HTTPRequest, from origin: Origin) -> [(name: String, value: String)]? {
    guard request.method == .options, case .allowed = origin,
      request.headerFields[.accessControlRequestMethod] != nil
    else { return nil }
    var fields = [
      (name: "access-control-allow-methods", value: Self.methods),
      (name: "access-control-max-age", value: "600"),
    ]
    if let asked = request.headerFields[.accessControlRequestHeaders], asked.utf8.count <= 1024 {
      fields.append((name: "access-control-allow-headers", value: asked))
    }
    return fields
  }
}
