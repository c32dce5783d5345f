import ModelServing

/// Where the answers of a conversation come from, and how another model is chosen.
protocol ChatSource: AnyObject {
  /// The service in use.
  var service: any ModelService { get }
  /// The model in use.
  var model: String { get }
  /// The models that can be chosen.
  func available() throws -> [String]
  /// Goes over to another model.
  ///
  /// - Throws: when there is none of that name, or it cannot be opened; the one before stays in use then.
  func choose(_ model: String) throws
}
