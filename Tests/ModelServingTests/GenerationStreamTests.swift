import ModelServing
import Synchronization
import Testing

@Suite("Streams of events")
struct GenerationStreamTests {
  private func collect(_ stream: GenerationStream) async throws -> [GenerationEvent] {
    var all: [GenerationEvent] = []
    for try await events in stream {
      #expect(!events.isEmpty)
      all += events
    }
    return all
  }

  private func pieces(_ range: Range<Int>) -> [GenerationEvent] {
    range.map { .content("\($0) ", []) }
  }

  @Test("What is sent before the reader comes is one element, and the end follows")
  func buffered() async throws {
    let channel = GenerationChannel()
    let stream = GenerationStream(channel)
    channel.send(pieces(0..<3))
    channel.send([])
    channel.send(pieces(3..<5))
    channel.finish()
    channel.send(pieces(5..<6))
    var iterator = stream.makeAsyncIterator()
    #expect(try await iterator.next() == pieces(0..<5))
    #expect(try await iterator.next() == nil)
    #expect(try await iterator.next() == nil)
  }

  @Test("An error comes after what was sent, and stays")
  func failure() async throws {
    let channel = GenerationChannel()
    let stream = GenerationStream(channel)
    channel.send(pieces(0..<1))
    channel.fail(.failed("the disk is gone"))
    channel.finish()
    var iterator = stream.makeAsyncIterator()
    #expect(try await iterator.next() == pieces(0..<1))
    for _ in 0..<2 {
      await #expect(throws: ServiceError.failed("the disk is gone")) { try await iterator.next() }
    }
  }

  @Test("Events of a thread arrive complete and in order", arguments: [1, 7, 1000])
  func order(group: Int) async throws {
    let channel = GenerationChannel()
    let stream = GenerationStream(channel)
    let count = 5000
    let writer = Task.detached {
      var next = 0
      while next < count {
        let end = min(count, next + group)
        channel.send((next..<end).map { .content("\($0) ", []) })
        next = end
        await Task.yield()
      }
      channel.finish()
    }
    #expect(try await collect(stream) == pieces(0..<count))
    await writer.value
  }

  @Test("Several writers lose nothing, and each one's events keep their order")
  func manyWriters() async throws {
    let channel = GenerationChannel()
    let stream = GenerationStream(channel)
    async let done: Void = withTaskGroup(of: Void.self) { group in
      for writer in 0..<4 {
        group.addTask {
          for number in 0..<500 { channel.send([.call(index: writer, call(number))]) }
        }
      }
      await group.waitForAll()
      channel.finish()
    }
    var seen = [[String]](repeating: [], count: 4)
    for event in try await collect(stream) {
      guard case .call(let writer, let call) = event else { continue }
      seen[writer].append(call.id)
    }
    await done
    #expect(seen == [[String]](repeating: (0..<500).map(String.init), count: 4))
  }

  @Test("A slow reader makes the channel full, and its taking is told")
  func slowReader() async throws {
    let channel = GenerationChannel(capacity: 10)
    let stream = GenerationStream(channel)
    let taken = Mutex(0)
    channel.whenTaken { taken.withLock { $0 += 1 } }
    #expect(taken.withLock { $0 } == 1, "nothing waits, so the action is due at once")
    channel.send([.content("12345", [])])
    #expect(!channel.isFull)
    channel.send([.reasoning("12345")])
    #expect(channel.isFull)
    channel.whenTaken { taken.withLock { $0 += 1 } }
    #expect(taken.withLock { $0 } == 1)
    var iterator = stream.makeAsyncIterator()
    #expect(try await iterator.next()?.count == 2)
    #expect(taken.withLock { $0 } == 2)
    #expect(!channel.isFull)
  }

  @Test("Probabilities and calls count for what waits")
  func weights() {
    let channel = GenerationChannel(capacity: 200)
    let choice = TokenProbability.Choice(text: "a", bytes: [97], logarithm: -1)
    channel.send([.content("a", [TokenProbability(chosen: choice, alternatives: [])])])
    #expect(!channel.isFull)
    channel.send([
      .call(index: 0, Call(id: "1", name: "f", arguments: String(repeating: " ", count: 99)))
    ])
    #expect(channel.isFull)
  }

  @Test("The reader's cancellation is told once and ends the stream")
  func cancellation() async throws {
    let channel = GenerationChannel()
    let stream = GenerationStream(channel)
    let told = Mutex((taken: 0, cancelled: 0))
    channel.whenCancelled { told.withLock { $0.cancelled += 1 } }
    channel.send(pieces(0..<2))
    channel.whenTaken { told.withLock { $0.taken += 1 } }
    stream.cancel()
    stream.cancel()
    #expect(told.withLock { $0.cancelled } == 1)
    #expect(told.withLock { $0.taken } == 1)
    #expect(channel.isCancelled)
    channel.send(pieces(2..<3))
    #expect(!channel.isFull)
    await #expect(throws: CancellationError.self) { try await collect(stream) }
    channel.whenCancelled { told.withLock { $0.cancelled += 1 } }
    #expect(
      told.withLock { $0.cancelled } == 2, "an action for a reader that is gone is due at once")
  }

  @Test("Cancelling the reader's task while it waits wakes it")
  func cancelledTask() async throws {
    let channel = GenerationChannel()
    let stream = GenerationStream(channel)
    let cancelled = AsyncStream<Void>.makeStream()
    channel.whenCancelled { cancelled.continuation.finish() }
    let reader = Task { () -> Bool in
      do {
        for try await _ in stream {}
        return false
      } catch {
        return error is CancellationError
      }
    }
    await Task.yield()
    reader.cancel()
    #expect(await reader.value)
    for await _ in cancelled.stream {}
    #expect(channel.isCancelled)
  }

  @Test("Dropping the stream unread ends the work behind it, finishing does not")
  func dropped() async throws {
    let told = Mutex(0)
    let dropped = GenerationChannel()
    dropped.whenCancelled { told.withLock { $0 += 1 } }
    do { _ = GenerationStream(dropped) }
    #expect(dropped.isCancelled)
    #expect(told.withLock { $0 } == 1)

    let finished = GenerationChannel()
    finished.whenCancelled { told.withLock { $0 += 1 } }
    do {
      let stream = GenerationStream(finished)
      finished.finish()
      #expect(try await collect(stream).isEmpty)
    }
    #expect(told.withLock { $0 } == 1)
  }

  @Test("Errors say what to do")
  func errors() {
    #expect(
      ServiceError.contextExceeded(tokens: 9000, limit: 4096).description.contains("9000 tokens"))
    #expect(ServiceError.unknownModel(name: "x", known: ["a", "b"]).description.contains("a, b"))
    #expect(
      ServiceError.invalid(message: "is missing", parameter: "messages").description
        == "messages: is missing")
  }
}

private func call(_ number: Int) -> Call { Call(id: "\(number)", name: "f", arguments: "{}") }
