import JSON
import ModelServing

/// A response, as one document or as the events of the Responses API: created, in progress, the items one after the
/// other with their parts and deltas, and completed, incomplete or failed; numbered from 0 without gaps.
struct ResponseEncoder: AnswerEncoder {
  let contentType: String
  let isStreaming: Bool

  /// An item that is being said.
  private struct OpenItem {
    enum Kind { case reasoning, message }
    var kind: Kind
    var id: String
    var text = ""
    var probabilities: [TokenProbability] = []
    /// `,"item_id":...,"output_index":...,` and the index of the part.
    var place: [UInt8]
  }

  private let head: ReplyHead
  private let plan: ResponseRequest
  private let store: ResponseStore
  private let identifiers: OpenAIDialect.Identifiers
  private var text = EventText()
  private var sequence = 0
  private var hasBegun = false
  private var open: OpenItem?
  private var output: [JSONValue] = []
  private var answer = CollectedAnswer()

  /// Makes an encoder.
  ///
  /// - Parameter store: where the response is kept when it is complete and wants to be.
  init(
    head: ReplyHead, plan: ResponseRequest, store: ResponseStore,
    identifiers: OpenAIDialect.Identifiers
  ) {
    self.head = head
    self.plan = plan
    self.store = store
    self.identifiers = identifiers
    isStreaming = plan.isStreaming
    contentType = plan.isStreaming ? "text/event-stream" : "application/json"
  }

  mutating func encode(_ events: [GenerationEvent], choice: Int) -> [UInt8] {
    guard answer.figures.finish == nil, !events.isEmpty else { return [] }
    begin()
    var position = 0
    while position < events.count {
      switch events[position] {
      case .started(let report):
        answer.figures.report = report
        position += 1
      case .reasoning:
        reasoning(EventRun.reasoning(events, from: &position))
      case .content, .malformedCall:
        content(EventRun.content(events, from: &position))
      case .call(_, let call):
        answer.calls.append(call)
        close(isComplete: true)
        self.call(call)
        position += 1
      case .finished(let finish):
        answer.figures.finish = finish
        close(isComplete: !answer.figures.isCutOff)
        position = events.count
      }
    }
    return take()
  }

  mutating func end() -> [UInt8] {
    begin()
    close(isComplete: !answer.figures.isCutOff)
    let isCutOff = answer.figures.isCutOff
    let response = response(status: isCutOff ? "incomplete" : "completed", error: .null)
    if plan.isStored {
      let turn = Turn(
        role: .assistant, content: answer.content,
        reasoning: answer.reasoning.isEmpty ? nil : answer.reasoning, calls: answer.calls)
      store.keep(
        ResponseStore.Entry(
          response: response, inputItems: plan.inputItems, turns: plan.turns + [turn]),
        id: head.id)
    }
    guard isStreaming else {
      var writer = JSONWriter(style: .compact)
      writer.value(response)
      return writer.takeBytes()
    }
    event(isCutOff ? "response.incomplete" : "response.completed", with: "response", response)
    return take()
  }

  mutating func fail(_ error: ServiceError) -> [UInt8] {
    let failure = OpenAIFailure(error, prompt: .input)
    guard isStreaming else {
      var writer = JSONWriter(style: .compact)
      writer.value(failure.json)
      return writer.takeBytes()
    }
    begin()
    // The interface knows only these codes here.
    let code: JSONValue =
      switch error {
      case .overloaded: "rate_limit_exceeded"
      case .invalid, .unsupported, .contextExceeded, .unknownModel: "invalid_prompt"
      case .shuttingDown, .failed: "server_error"
      }
    let description: JSONValue = .members(["code": code, "message": .string(failure.message)])
    event("response.failed", with: "response", response(status: "failed", error: description))
    return take()
  }

  mutating func keepAlive() -> [UInt8] { isStreaming ? ServerSentEvents.comment : [] }

  // MARK: Items

  private mutating func begin() {
    guard !hasBegun else { return }
    hasBegun = true
    guard isStreaming else { return }
    let response = response(status: "in_progress", error: .null)
    event("response.created", with: "response", response)
    event("response.in_progress", with: "response", response)
  }

  private mutating func reasoning(_ more: String) {
    answer.reasoning += more
    var item = openItem(.reasoning)
    item.text += more
    if isStreaming {
      event(
        plan.givesSummary
          ? "response.reasoning_summary_text.delta" : "response.reasoning_text.delta"
      ) { text in
        text.raw(item.place)
        text.raw("\"delta\":")
        text.string(more)
      }
    }
    open = item
  }

  private mutating func content(_ run: EventRun.Content) {
    answer.content += run.text
    answer.figures.malformedCalls += run.malformedCalls
    var item = openItem(.message)
    item.text += run.text
    item.probabilities += run.probabilities
    if isStreaming {
      event("response.output_text.delta") { text in
        text.raw(item.place)
        text.raw("\"delta\":")
        text.string(run.text)
        text.raw(",\"logprobs\":")
        text.probabilities(run.probabilities)
      }
    }
    open = item
  }

  /// Takes the item being said out of its place; one of another kind is closed and a new one begun.
  private mutating func openItem(_ kind: OpenItem.Kind) -> OpenItem {
    if let item = open, item.kind == kind {
      open = nil
      return item
    }
    close(isComplete: true)
    let item = begin(kind)
    guard isStreaming else { return item }
    itemEvent("response.output_item.added", json(item, status: "in_progress", isEmpty: true))
    partEvent(item, isDone: false)
    return item
  }

  private func begin(_ kind: OpenItem.Kind) -> OpenItem {
    let id = identifiers.make(kind == .message ? "msg_" : "rs_")
    var place = EventText(capacity: 96)
    place.raw(",\"item_id\":")
    place.string(id)
    place.raw(",\"output_index\":")
    place.number(output.count)
    if kind == .reasoning, plan.givesSummary {
      place.raw(",\"summary_index\":0,")
    } else {
      place.raw(",\"content_index\":0,")
    }
    return OpenItem(kind: kind, id: id, place: place.bytes)
  }

  private mutating func close(isComplete: Bool) {
    guard let item = open else { return }
    open = nil
    let value = json(item, status: isComplete ? "completed" : "incomplete", isEmpty: false)
    if isStreaming {
      let type: StaticString =
        switch item.kind {
        case .message: "response.output_text.done"
        case .reasoning where plan.givesSummary: "response.reasoning_summary_text.done"
        case .reasoning: "response.reasoning_text.done"
        }
      event(type) { text in
        text.raw(item.place)
        text.raw("\"text\":")
        text.string(item.text)
        if item.kind == .message {
          text.raw(",\"logprobs\":")
          text.probabilities(item.probabilities)
        }
      }
      partEvent(item, isDone: true)
      itemEvent("response.output_item.done", value)
    }
    output.append(value)
  }

  private mutating func partEvent(_ item: OpenItem, isDone: Bool) {
    let part: JSONValue
    let added: StaticString
    let done: StaticString
    switch item.kind {
    case .reasoning where plan.givesSummary:
      part = .members(["type": "summary_text", "text": .string(item.text)])
      (added, done) = (
        "response.reasoning_summary_part.added", "response.reasoning_summary_part.done"
      )
    case .reasoning:
      part = .members(["type": "reasoning_text", "text": .string(item.text)])
      (added, done) = ("response.content_part.added", "response.content_part.done")
    case .message:
      part = ResponseEncoder.outputText(item.text, item.probabilities)
      (added, done) = ("response.content_part.added", "response.content_part.done")
    }
    event(isDone ? done : added) { text in
      text.raw(item.place)
      text.raw("\"part\":")
      text.value(part)
    }
  }

  private func json(_ item: OpenItem, status: JSONValue, isEmpty: Bool) -> JSONValue {
    switch item.kind {
    case .message:
      return .members([
        "id": .string(item.id), "type": "message", "status": status, "role": "assistant",
        "content": isEmpty
          ? [] : [ResponseEncoder.outputText(item.text, item.probabilities)],
      ])
    case .reasoning:
      let part: JSONValue = .members([
        "type": plan.givesSummary ? "summary_text" : "reasoning_text", "text": .string(item.text),
      ])
      var members = [
        JSONMember(name: "id", value: .string(item.id)),
        JSONMember(name: "type", value: "reasoning"),
        JSONMember(name: "status", value: status),
        JSONMember(name: "summary", value: plan.givesSummary && !isEmpty ? [part] : []),
        JSONMember(name: "content", value: plan.givesSummary || isEmpty ? [] : [part]),
      ]
      if plan.sealsReasoning, !isEmpty {
        members.append(
          JSONMember(
            name: "encrypted_content", value: .string(SealedReasoning.seal(item.text))))
      }
      return .object(members)
    }
  }

  private static func outputText(
    _ text: String, _ probabilities: [TokenProbability]
  ) -> JSONValue {
    .members([
      "type": "output_text", "text": .string(text), "annotations": [],
      "logprobs": .array(probabilities.map(\.json)),
    ])
  }

  private mutating func call(_ call: Call) {
    switch plan.tools.kinds[call.name] ?? .function(name: call.name, namespace: nil) {
    case .function(let name, let namespace):
      let id = identifiers.make("fc_")
      func item(_ status: JSONValue, _ arguments: String) -> JSONValue {
        var members = [
          JSONMember(name: "id", value: .string(id)),
          JSONMember(name: "type", value: "function_call"),
          JSONMember(name: "status", value: status),
          JSONMember(name: "arguments", value: .string(arguments)),
          JSONMember(name: "call_id", value: .string(call.id)),
          JSONMember(name: "name", value: .string(name)),
        ]
        if let namespace {
          members.append(JSONMember(name: "namespace", value: .string(namespace)))
        }
        return .object(members)
      }
      callEvents(
        id, added: item("in_progress", ""), done: item("completed", call.arguments),
        "response.function_call_arguments.delta", "response.function_call_arguments.done",
        member: "arguments", call.arguments, name: name)
    case .custom(let name):
      let id = identifiers.make("ctc_")
      let input = ResponseEncoder.customInput(call.arguments)
      func item(_ status: JSONValue, _ input: String) -> JSONValue {
        .members([
          "id": .string(id), "type": "custom_tool_call", "status": status,
          "call_id": .string(call.id), "name": .string(name), "input": .string(input),
        ])
      }
      callEvents(
        id, added: item("in_progress", ""), done: item("completed", input),
        "response.custom_tool_call_input.delta", "response.custom_tool_call_input.done",
        member: "input", input, name: nil)
    }
  }

  private mutating func callEvents(
    _ id: String, added: JSONValue, done: JSONValue, _ deltaType: StaticString,
    _ doneType: StaticString, member: StaticString, _ value: String, name: String?
  ) {
    let index = output.count
    output.append(done)
    guard isStreaming else { return }
    itemEvent("response.output_item.added", added, at: index)
    var place = EventText(capacity: 96)
    place.raw(",\"item_id\":")
    place.string(id)
    place.raw(",\"output_index\":")
    place.number(index)
    event(deltaType) { text in
      text.raw(place.bytes)
      text.raw(",\"delta\":")
      text.string(value)
    }
    event(doneType) { text in
      text.raw(place.bytes)
      // Earlier versions of the official client demand the name with the complete arguments.
      if let name {
        text.raw(",\"name\":")
        text.string(name)
      }
      text.raw(",\"")
      text.raw(member)
      text.raw("\":")
      text.string(value)
    }
    itemEvent("response.output_item.done", done, at: index)
  }

  /// What was given to a tool that takes any text.
  private static func customInput(_ arguments: String) -> String {
    guard let value = try? JSONParser.parse(Array(arguments.utf8)),
      let input = value[OfferedTools.customParameter]?.stringValue
    else { return arguments }
    return input
  }

  // MARK: Events

  private mutating func take() -> [UInt8] {
    defer { text = EventText() }
    return text.bytes
  }

  private mutating func event(_ type: StaticString, _ members: (inout EventText) -> Void) {
    text.raw("event: ")
    text.raw(type)
    text.raw("\ndata: {\"type\":\"")
    text.raw(type)
    text.raw("\",\"sequence_number\":")
    text.number(sequence)
    members(&text)
    text.raw("}\n\n")
    sequence += 1
  }

  private mutating func event(
    _ type: StaticString, with name: StaticString, _ value: JSONValue
  ) {
    event(type) { text in
      text.raw(",\"")
      text.raw(name)
      text.raw("\":")
      text.value(value)
    }
  }

  private mutating func itemEvent(_ type: StaticString, _ item: JSONValue, at index: Int? = nil) {
    let index = index ?? output.count
    event(type) { text in
      text.raw(",\"output_index\":")
      text.number(index)
      text.raw(",\"item\":")
      text.value(item)
    }
  }

  // MARK: The response

  private func response(status: JSONValue, error: JSONValue) -> JSONValue {
    let figures = answer.figures
    var completed: JSONValue = .null
    var reason: JSONValue = .null
    if status == "completed" || status == "incomplete", let finish = figures.finish {
      let seconds = finish.queueSeconds + finish.promptSeconds + finish.answerSeconds
      completed = .integer(head.created + Int(min(max(0, seconds), 1e9)))
      if figures.isCutOff { reason = .members(["reason": "max_output_tokens"]) }
    }
    var members = [
      JSONMember(name: "id", value: .string(head.id)),
      JSONMember(name: "object", value: "response"),
      JSONMember(name: "created_at", value: .integer(head.created)),
      JSONMember(name: "status", value: status),
      JSONMember(name: "completed_at", value: completed),
      JSONMember(name: "background", value: false),
      JSONMember(name: "error", value: error),
      JSONMember(name: "incomplete_details", value: reason),
      JSONMember(name: "model", value: .string(head.model)),
      JSONMember(name: "output", value: .array(output)),
    ]
    members += plan.echo
    members.append(
      JSONMember(
        name: "usage", value: figures.finish == nil ? .null : figures.responseUsage))
    members.append(JSONMember(name: "maslin", value: extensionJSON))
    return .object(members)
  }

  private var extensionJSON: JSONValue {
    guard !plan.tools.omitted.isEmpty, case .object(let members) = answer.figures.json else {
      return answer.figures.json
    }
    return .object(
      members + [
        JSONMember(
          name: "omitted_tools", value: .array(plan.tools.omitted.map(JSONValue.string)))
      ])
  }
}
