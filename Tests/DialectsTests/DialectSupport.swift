import JSON
import ModelServing
import Testing

import Dialects

/// A service with fixed models and counts; it makes no answers.
struct FixedService: ModelService {
  var list: [ModelDescription] = [.sample()]
  var tokenCount = 7
  var vectors: [[Float]] = [[0.6, 0.8, 0]]

  func models() async -> [ModelDescription] { list }

  func generate(_ request: GenerationRequest) async throws(ServiceError) -> GenerationStream {
    throw .failed("no answers here")
  }

  func countTokens(_ request: GenerationRequest) async throws(ServiceError) -> Int { tokenCount }

  func tokenize(_ text: String, model: String) async throws(ServiceError) -> [Int32] { [] }

  func embed(_ request: EmbeddingRequest) async throws(ServiceError) -> EmbeddingResult {
    guard list.contains(where: { $0.name == request.model && $0.canEmbed }) else {
      throw .unsupported(message: "makes no vectors", parameter: "model")
    }
    return EmbeddingResult(
      vectors: request.inputs.map { _ in vectors[0] }, tokenCount: 2 * request.inputs.count)
  }

  func figures() async -> ServiceFigures { ServiceFigures() }
}

extension ModelDescription {
  static func sample(
    name: String = "tiny", contextLength: Int = 4096, canThink: Bool = true, canEmbed: Bool = true
  ) -> ModelDescription {
    ModelDescription(
      name: name, created: 1_700_000_000, architecture: "qwen3", contextLength: contextLength,
      parameterCount: 751_632_384, quantization: "Q4_K_M", byteCount: 484_219_776,
      digest: "0123456789abcdef", canThink: canThink, canCallTools: true, canEmbed: canEmbed)
  }
}

extension EndpointInput {
  /// An input with a body written as JSON.
  static func sample(
    _ body: String? = nil, parameters: [String: String] = [:], query: [String: String] = [:],
    headers: [String: String] = [:], service: FixedService = FixedService()
  ) throws -> EndpointInput {
    EndpointInput(
      body: try body.map(json), parameters: parameters, query: query, headers: headers,
      client: "key", now: 1_700_000_000, service: service)
  }
}

extension Finish {
  static func sample(
    _ reason: Finish.Reason, prompt: Int = 10, reused: Int = 4, answer: Int = 6, reasoning: Int = 2
  ) -> Finish {
    Finish(
      reason: reason, promptTokens: prompt, reusedTokens: reused, answerTokens: answer,
      reasoningTokens: reasoning, queueSeconds: 0.25, promptSeconds: 0.5, answerSeconds: 1.5)
  }
}

/// The value of a JSON text.
func json(_ text: String) throws -> JSONValue { try JSONParser.parse(Array(text.utf8)) }

/// The compact text of a value.
func text(_ value: JSONValue) -> String {
  var writer = JSONWriter(style: .compact)
  writer.value(value)
  return writer.text
}

func string(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

/// SplitMix64 (Steele, Lea and Flood 2014): the same numbers for the same seed everywhere.
struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// Random answers: events in the order that services keep.
enum RandomAnswer {
  static let pieces = [
    "a", " word", "\n\n", "\u{1F642}", "é", "\"quoted\"", "\\", "\u{2028}", "\u{0}", "{}", "",
    "data: x\n\nevent: y",
  ]

  static func events(using generator: inout SplitMix64) -> [GenerationEvent] {
    let prompt = Int.random(in: 1...5000, using: &generator)
    let reused = Int.random(in: 0...prompt, using: &generator)
    var events: [GenerationEvent] = [
      .started(PromptReport(tokens: prompt, reused: reused, miss: nil))
    ]
    var calls = 0
    for _ in 0..<Int.random(in: 0...30, using: &generator) {
      let piece = pieces[Int.random(in: 0..<pieces.count, using: &generator)]
      switch Int.random(in: 0..<8, using: &generator) {
      case 0...2: events.append(.reasoning(piece))
      case 3...5: events.append(.content(piece, []))
      case 6: events.append(.malformedCall(piece))
      default:
        let arguments = ["{}", #"{"a":1,"b":"x"}"#, "", "[1]", "{broken"].randomElement(
          using: &generator)
        events.append(
          .call(
            index: calls, Call(id: "call_\(calls)", name: "f\(calls)", arguments: arguments ?? "")))
        calls += 1
      }
    }
    let reasons: [Finish.Reason] = [
      .endOfTurn, .calls, .stopText("END"), .tokenLimit, .contextFull, .loop("x x x"),
    ]
    let reason = reasons[Int.random(in: 0..<reasons.count, using: &generator)]
    events.append(.finished(.sample(reason, prompt: prompt, reused: reused)))
    return events
  }

  /// Cuts events into batches, as a slow reader gets them.
  static func batches(
    _ events: [GenerationEvent], using generator: inout SplitMix64
  ) -> [[GenerationEvent]] {
    var batches: [[GenerationEvent]] = [[]]
    for event in events {
      if Bool.random(using: &generator) { batches.append([]) }
      batches[batches.count - 1].append(event)
    }
    return batches
  }
}

/// Changes JSON at random: values become others, members go, come twice or get other names.
struct JSONMutation {
  private static let values: [JSONValue] = [
    .null, .bool(true), .bool(false), 0, -1, .integer(Int.max), .integer(Int.min), .number(0.5),
    .number(-1e300), "", "text", "user", "assistant", "system", "tool", "tool_use", "tool_result",
    "thinking", "image", "call_1", "toolu_x-zz", .array([]), .object([]), .array([.null]),
    .object([JSONMember(name: "type", value: "text")]),
  ]
  var generator: SplitMix64

  /// A copy with about one value in `rarity` changed.
  mutating func mutate(_ value: JSONValue, rarity: Int) -> JSONValue {
    if Int.random(in: 0..<rarity, using: &generator) == 0 {
      return Self.values[Int.random(in: 0..<Self.values.count, using: &generator)]
    }
    switch value {
    case .array(let elements):
      var changed: [JSONValue] = []
      for element in elements {
        let copies = Int.random(in: 0..<rarity, using: &generator) == 0 ? [0, 2] : [1]
        for _ in 0..<(copies.randomElement(using: &generator) ?? 1) {
          changed.append(mutate(element, rarity: rarity))
        }
      }
      return .array(changed)
    case .object(let members):
      var changed: [JSONMember] = []
      for member in members {
        if Int.random(in: 0..<rarity, using: &generator) == 0 { continue }
        changed.append(
          JSONMember(name: member.name, value: mutate(member.value, rarity: rarity)))
      }
      return .object(changed)
    case .string(let text) where Int.random(in: 0..<rarity, using: &generator) == 0:
      return .string(String(text.reversed()))
    default: return value
    }
  }
}

extension [Endpoint] {
  /// The plan of the endpoint at a path for a body.
  func plan(_ path: String, _ input: EndpointInput) async throws -> AnswerPlan {
    let endpoint = try #require(first { $0.method == .post && $0.path == path })
    guard case .answer(let action) = endpoint.action else { throw NoSuchEndpoint() }
    return try await action(input)
  }

  /// The reply of the endpoint at a path; errors appear as the endpoint reports them.
  func reply(
    _ method: Endpoint.Method = .post, _ path: String, _ input: EndpointInput
  ) async throws -> EndpointReply {
    let endpoint = try #require(first { $0.method == method && $0.path == path })
    do {
      switch endpoint.action {
      case .reply(let action): return try await action(input)
      case .answer(let action):
        _ = try await action(input)
        throw NoSuchEndpoint()
      }
    } catch let error as ServiceError {
      return endpoint.failure(.service(error))
    }
  }
}

struct NoSuchEndpoint: Error {}

extension EndpointReply {
  var json: JSONValue? { try? JSONParser.parse(body) }

  func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

/// The parameter and message of the error that an action throws.
func refusal(
  _ action: () async throws -> Void
) async throws -> (parameter: String?, message: String) {
  do {
    try await action()
  } catch let error as ServiceError {
    switch error {
    case .invalid(let message, let parameter), .unsupported(let message, let parameter):
      return (parameter, message)
    default: return (nil, error.description)
    }
  }
  throw NotRefused()
}

struct NotRefused: Error {}
