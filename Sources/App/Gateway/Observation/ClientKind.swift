/// The program that asks, as far as it says so; a closed list, so that logs and figures stay small.
enum ClientKind: String, CaseIterable, Sendable {
  case openaiPython = "openai-python"
  case openaiNode = "openai-node"
  case anthropicPython = "anthropic-python"
  case anthropicNode = "anthropic-node"
  case claudeCode = "claude-code"
  case ollama
  case maslin
  case curl
  case pythonHTTP = "python-http"
  case node
  case browser
  case other
  case none

  /// Reads a `User-Agent` field.
  init(userAgent: String?) {
    guard let userAgent = userAgent?.lowercased(), !userAgent.isEmpty else {
      self = .none
      return
    }
    let starts: [(String, ClientKind)] = [
      ("openai/python", .openaiPython), ("asyncopenai/python", .openaiPython),
      ("openai/js", .openaiNode), ("anthropic/python", .anthropicPython),
      ("asyncanthropic/python", .anthropicPython), ("anthropic/js", .anthropicNode),
      ("claude-cli", .claudeCode), ("ollama", .ollama), ("maslin", .maslin), ("curl/", .curl),
      ("python-httpx", .pythonHTTP), ("python-requests", .pythonHTTP),
      ("python-urllib", .pythonHTTP), ("aiohttp", .pythonHTTP), ("node", .node),
      ("undici", .node), ("mozilla/", .browser),
    ]
    self = starts.first { userAgent.hasPrefix($0.0) }?.1 ?? .other
  }
}
