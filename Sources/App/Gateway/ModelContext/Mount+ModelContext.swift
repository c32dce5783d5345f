import ModelContext

extension Mount {
  /// The Model Context Protocol at `/mcp`.
  ///
  /// - Parameter http: the transport; the one who serves closes it at the end.
  public static func modelContext(_ http: StreamableHTTP) -> Mount {
    Mount("mcp", path: "/mcp") { request in
      let response = await http.respond(
        to: StreamableHTTP.Request(
          method: request.method, headers: request.headers, body: request.body,
          client: request.client))
      return Reply(
        status: response.status, headers: response.headers, body: Reply.Body(response.body))
    }
  }
}

extension Mount.Reply.Body {
  fileprivate init(_ body: StreamableHTTP.Response.Body) {
    switch body {
    case .complete(let bytes): self = .complete(bytes)
    case .stream(let stream): self = .stream(stream)
    }
  }
}
