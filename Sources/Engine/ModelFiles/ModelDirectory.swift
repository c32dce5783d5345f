import DurableFiles
import JSON

/// Reads the JSON files of a model directory in Hugging Face's form.
enum ModelDirectory {
  /// The largest JSON file that is read; tokenizer.json files of large vocabularies have about 30 MB.
  private static let byteLimit = 512 << 20

  /// Reads and parses a JSON file.
  static func readJSON(_ path: String) throws(ModelFileError) -> JSONValue {
    let bytes = try file { () throws(FileFailure) in
      try SystemFiles().read(path, limit: byteLimit)
    }
    do throws(JSONError) { return try JSONParser.parse(bytes) } catch {
      throw .json(path: path, error)
    }
  }

  /// As `readJSON`, with nil for a file that does not exist.
  static func readOptionalJSON(_ path: String) throws(ModelFileError) -> JSONValue? {
    do throws(ModelFileError) { return try readJSON(path) } catch {
      if case .file(let failure) = error, failure.isMissing { return nil }
      throw error
    }
  }

  /// Reads a text file; nil when it does not exist.
  static func readOptionalText(_ path: String) throws(ModelFileError) -> [UInt8]? {
    do throws(FileFailure) { return try SystemFiles().read(path, limit: byteLimit) } catch {
      if error.isMissing { return nil }
      throw .file(error)
    }
  }
}
