import JSON
import ModelServing

/// The interface of api.openai.com: models, chat completions, completions, responses and embeddings, and the endpoint for
/// tokens that other local servers have.
public enum OpenAIDialect {
  /// Makes the names of replies and of their parts.
  public struct Identifiers: Sendable {
    /// Makes a name that begins with a prefix; never the same twice.
    public let make: @Sendable (_ prefix: String) -> String

    /// Names made by a function, for tests that want the same ones every time.
    public init(_ make: @escaping @Sendable (_ prefix: String) -> String) { self.make = make }

    /// 24 hexadecimal digits from the system's random numbers.
    public static let random = Identifiers { prefix in
      var generator = SystemRandomNumberGenerator()
      var digits = ""
      for length in [16, 8] {
        let number = String(generator.next() as UInt64, radix: 16)
        digits += String((String(repeating: "0", count: 16 - number.count) + number).suffix(length))
      }
      return prefix + digits
    }
  }
}
