import SoliditySyntax

/// The names of parameters and local variables in the scopes open at one point of a function.
struct LocalNames {
  private var entries: [(declaration: any Declaration, name: String, shadowed: Int32)] = []
  private var latest: [String: Int32] = [:]

  /// The innermost declaration of a name. O(1).
  func lookup(_ name: String) -> (any Declaration)? {
    guard !entries.isEmpty, let place = latest[name], place >= 0 else { return nil }
    return entries[Int(place)].declaration
  }

  /// Declares a name in the innermost scope.
  mutating func declare(_ declaration: any Declaration, as name: String) {
    guard !name.isEmpty else { return }
    entries.append((declaration, name, latest[name] ?? -1))
    latest[name] = Int32(entries.count - 1)
  }

  /// Where a scope that is opened now starts.
  var mark: Int { entries.count }

  /// Closes all scopes opened since `mark`.
  mutating func close(to mark: Int) {
    while entries.count > mark {
      let entry = entries.removeLast()
      latest[entry.name] = entry.shadowed
    }
  }
}
