import Egress
import ModelServing
import Workstation

/// The models of a running server.
final class RemoteChatSource: ChatSource {
  private let remote: RemoteModelService
  private(set) var model: String

  var service: any ModelService { remote }

  /// - Parameter model: the model to begin with; nil for the server's first.
  /// - Throws: when the server does not answer or has no such model.
  init(_ remote: RemoteModelService, model: String?) throws {
    self.remote = remote
    let names = try Self.names(remote)
    guard let first = names.first else {
      throw CommandFailure(.environment, "the server has no model")
    }
    self.model = model ?? first
    try check(self.model, names)
  }

  func available() throws -> [String] { try Self.names(remote) }

  func choose(_ model: String) throws {
    try check(model, try available())
    self.model = model
  }

  private func check(_ model: String, _ names: [String]) throws {
    guard names.contains(model) else { throw ServiceError.unknownModel(name: model, known: names) }
  }

  private static func names(_ remote: RemoteModelService) throws -> [String] {
    try wait { try await remote.listModels().map(\.name) }
  }
}
