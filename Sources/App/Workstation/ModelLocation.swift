import Foundation
import ModelFiles

/// Finds model files: by path, or by the name they are registered under.
public struct ModelLocation: Sendable {
  private let data: DataDirectory

  /// Makes a finder for the models registered in a data directory.
  public init(data: DataDirectory) { self.data = data }

  /// Where the registry of models is kept.
  public var registryPath: String { data.file("models.json") }

  /// The models registered.
  ///
  /// - Throws: `ModelFileError` when the registry is damaged.
  public func registry() throws(ModelFileError) -> ModelRegistry {
    try ModelRegistry(readingFrom: registryPath)
  }

  /// The path that a user's word for a model stands for: that of a file that exists, or of a registered model.
  ///
  /// - Throws: `ModelLocationError.notFound`; `ModelFileError` when the registry is damaged or the name is ambiguous.
  public func path(of model: String) throws -> String {
    if FileManager.default.fileExists(atPath: model) { return model }
    if let entry = try registry().find(model) { return entry.path }
    throw ModelLocationError.notFound(model)
  }
}

/// Why a model is not found.
public enum ModelLocationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Neither a file nor a registered name.
  case notFound(String)

  /// A sentence for people.
  public var description: String {
    switch self {
    case .notFound(let name):
      "no file '\(name)', and no model is registered under that name; "
        + "`maslin model list` shows those that are, `maslin model add FILE` registers one"
    }
  }
}
