import JSON
import ModelServing

/// What a message says: a text, or parts of which only texts can be taken.
struct MessageContent {
  /// The texts of the parts, one a line as chat templates join them.
  var text = ""
  /// What parts of an assistant's message say it thought.
  var reasoning: String?

  private static let refusedTypes = [
    "image_url": "images", "input_image": "images", "image": "images",
    "computer_screenshot": "images", "input_audio": "audio", "audio": "audio",
    "audio_url": "audio", "output_audio": "audio", "file": "files", "input_file": "files",
    "video_url": "videos", "input_video": "videos", "video": "videos", "document": "files",
  ]

  /// Reads a string or an array of parts; nothing at all is an empty text.
  ///
  /// - Throws: `ServiceError.unsupported` for images, audio, video and files.
  init(_ value: JSONValue?, path: String) throws(ServiceError) {
    switch value {
    case nil, .null: return
    case .string(let text): self.text = text
    case .array(let parts):
      var texts: [String] = []
      var thoughts: [String] = []
      for (index, part) in parts.enumerated() {
        try MessageContent.read(part, "\(path)[\(index)]", &texts, &thoughts)
      }
      text = texts.joined(separator: "\n")
      if !thoughts.isEmpty { reasoning = thoughts.joined(separator: "\n") }
    default:
      throw .invalid(message: "must be a string or an array of parts", parameter: path)
    }
  }

  private static func read(
    _ part: JSONValue, _ path: String, _ texts: inout [String], _ thoughts: inout [String]
  ) throws(ServiceError) {
    if case .string(let text) = part {
      texts.append(text)
      return
    }
    let fields = try RequestFields(part, path: path)
    let type = try fields.requiredString("type")
    switch type {
    case "text", "input_text", "output_text", "summary_text":
      texts.append(try fields.requiredString("text"))
    case "refusal": texts.append(try fields.requiredString("refusal"))
    case "thinking": thoughts.append(try fields.requiredString("thinking"))
    case "reasoning", "reasoning_text": thoughts.append(try fields.requiredString("text"))
    default:
      if let kind = refusedTypes[type] {
        throw .unsupported(
          message: "\(kind) are not supported: the model takes in text only", parameter: path)
      }
      throw fields.invalid("type", "is '\(type)', which is no kind of content known here")
    }
  }
}
