import JSON
import ModelServing
import Synchronization

/// Responses kept in memory so that later requests can name them. Bounded in number and bytes; the ones that were not
/// named for longest go first. Nothing is written to disk: after a restart all are unknown.
public final class ResponseStore: Sendable {
  /// A response and what led to it.
  struct Entry: Sendable {
    /// The response as it was sent.
    var response: JSONValue
    /// The items of its request, each with an id.
    var inputItems: [JSONValue]
    /// The conversation up to its end, without instructions, which hold for one request only.
    var turns: [Turn]
  }

  private struct Kept {
    var entry: Entry
    var byteCount: Int
    var lastUse: Int
  }

  private struct State {
    var kept: [String: Kept] = [:]
    /// The response that holds an item.
    var owners: [String: String] = [:]
    var byteCount = 0
    var useCount = 0
  }

  private let state = Mutex(State())
  private let capacity: Int
  private let byteLimit: Int

  /// Makes an empty store.
  ///
  /// - Parameters:
  ///   - capacity: responses to keep at most.
  ///   - byteLimit: bytes of their texts to keep at most, counted for every response apart.
  public init(capacity: Int = 512, byteLimit: Int = 128 << 20) {
    self.capacity = capacity
    self.byteLimit = byteLimit
  }

  /// Keeps a response; one that alone exceeds the limit is not kept.
  func keep(_ entry: Entry, id: String) {
    let byteCount = ResponseStore.byteCount(entry)
    guard byteCount <= byteLimit, capacity > 0 else { return }
    state.withLock { state in
      ResponseStore.remove(id, from: &state)
      while state.kept.count >= capacity || state.byteCount + byteCount > byteLimit {
        guard let oldest = state.kept.min(by: { $0.value.lastUse < $1.value.lastUse }) else {
          break
        }
        ResponseStore.remove(oldest.key, from: &state)
      }
      state.useCount += 1
      state.kept[id] = Kept(entry: entry, byteCount: byteCount, lastUse: state.useCount)
      state.byteCount += byteCount
      for item in ResponseStore.itemIDs(entry) { state.owners[item] = id }
    }
  }

  /// The response of that name, which counts as a use.
  func entry(_ id: String) -> Entry? {
    state.withLock { state in
      guard state.kept[id] != nil else { return nil }
      state.useCount += 1
      state.kept[id]?.lastUse = state.useCount
      return state.kept[id]?.entry
    }
  }

  /// The item of that name in any response or request kept.
  func item(_ id: String) -> JSONValue? {
    let entry = state.withLock { state in
      state.owners[id].flatMap { state.kept[$0]?.entry }
    }
    guard let entry else { return nil }
    return (entry.inputItems + (entry.response["output"]?.arrayValue ?? [])).first {
      $0["id"] == .string(id)
    }
  }

  /// Forgets a response.
  ///
  /// - Returns: whether it was known.
  func remove(_ id: String) -> Bool {
    state.withLock { ResponseStore.remove(id, from: &$0) }
  }

  /// How many responses are kept, and the bytes they count for.
  package var size: (count: Int, byteCount: Int) {
    state.withLock { ($0.kept.count, $0.byteCount) }
  }

  @discardableResult
  private static func remove(_ id: String, from state: inout State) -> Bool {
    guard let kept = state.kept.removeValue(forKey: id) else { return false }
    state.byteCount -= kept.byteCount
    for item in itemIDs(kept.entry) where state.owners[item] == id { state.owners[item] = nil }
    return true
  }

  private static func itemIDs(_ entry: Entry) -> [String] {
    (entry.inputItems + (entry.response["output"]?.arrayValue ?? [])).compactMap {
      $0["id"]?.stringValue
    }
  }

  private static func byteCount(_ entry: Entry) -> Int {
    var count = byteCount(entry.response)
    for item in entry.inputItems { count += byteCount(item) }
    for turn in entry.turns {
      count += 256 + turn.content.utf8.count + (turn.reasoning?.utf8.count ?? 0)
      for call in turn.calls {
        count += 96 + call.id.utf8.count + call.name.utf8.count + call.arguments.utf8.count
      }
    }
    return count
  }

  private static func byteCount(_ value: JSONValue) -> Int {
    switch value {
    case .string(let text): 32 + text.utf8.count
    case .array(let elements): elements.reduce(32) { $0 + byteCount($1) }
    case .object(let members):
      members.reduce(32) { $0 + $1.name.utf8.count + byteCount($1.value) }
    default: 32
    }
  }
}
