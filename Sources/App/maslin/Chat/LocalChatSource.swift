import Foundation
import ModelServing
import Workstation

/// Models of this machine, run inside this process.
final class LocalChatSource: ChatSource {
  private let options: EngineOptions
  private var local: LocalModelService
  private(set) var model: String

  var service: any ModelService { local }

  /// Opens a model: a file, or the name of a registered one.
  init(_ model: String, options: EngineOptions) throws {
    self.options = options
    local = try Self.open(model, options)
    self.model = local.name
  }

  private static func open(_ model: String, _ options: EngineOptions) throws -> LocalModelService {
    let service = try LocalModelService(
      path: try options.path(of: model), model: options.local,
      serving: ServingOptions(sequences: 1))
    for note in service.notes { StandardError.write("maslin: \(note)\n") }
    return service
  }

  func available() throws -> [String] {
    let registered = try ModelLocation(data: options.data.directory()).registry().entries.map(
      \.name)
    return ([model] + registered.filter { $0 != model }).sorted()
  }

  func choose(_ model: String) throws {
    let next = try Self.open(model, options)
    let before = local
    local = next
    self.model = next.name
    end(before)
  }

  /// Ends the work and frees the model.
  func shutdown() { end(local) }

  private func end(_ service: LocalModelService) {
    // Nothing in it throws.
    try? wait { await service.shutdown() }
  }
}
