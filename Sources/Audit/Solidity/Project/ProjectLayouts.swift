import Synchronization

/// The layouts of all projects around the files at hand, read when first asked for.
final class ProjectLayouts: Sendable {
  private struct State {
    var layouts: [String: ProjectLayout?] = [:]
    var enclosing: [String: [ProjectLayout]] = [:]
    var diagnostics: [ProjectDiagnostic] = []
  }

  private let fileSystem: any FileSystem
  private let state = Mutex(State())

  init(fileSystem: any FileSystem, stated: [ProjectLayout] = []) {
    self.fileSystem = fileSystem
    state.withLock { state in
      for layout in stated { state.layouts[layout.root] = layout }
    }
  }

  /// The projects a directory lies in, innermost first.
  func enclosing(_ directory: String) -> [ProjectLayout] {
    state.withLock { enclosing(directory, &$0) }
  }

  /// What reading the configuration files brought up so far.
  var diagnostics: [ProjectDiagnostic] { state.withLock { $0.diagnostics } }

  private func enclosing(_ directory: String, _ state: inout State) -> [ProjectLayout] {
    if let known = state.enclosing[directory] { return known }
    var result: [ProjectLayout] = []
    // From the outside in, so that each level is asked once and remembered.
    for ancestor in SourcePath.ancestors(of: directory).reversed() {
      if let known = state.enclosing[ancestor] {
        result = known
        continue
      }
      let layout: ProjectLayout?
      if let known = state.layouts[ancestor] {
        layout = known
      } else {
        layout = ProjectLayout(
          readingFrom: ancestor, in: fileSystem, diagnostics: &state.diagnostics)
        state.layouts[ancestor] = .some(layout)
      }
      if let layout { result = [layout] + result }
      state.enclosing[ancestor] = result
    }
    return result
  }
}

extension [ProjectLayout] {
  /// The layouts of `self` (innermost first) in the order in which they decide imports of a file in
  /// `directory`: the project whose dependency the file is comes first, because its settings hold for its
  /// dependencies when it is built; then the others from the inside out.
  func inOrderOfAuthority(for directory: String) -> [ProjectLayout] {
    guard
      let host = lastIndex(where: { layout in
        layout.libraryDirectories.contains { SourcePath.isWithin(directory, $0) }
      }), host > 0
    else { return self }
    var result = self
    result.insert(result.remove(at: host), at: 0)
    return result
  }
}

extension ProjectLayouts {
  /// What part the file at `path` plays.
  ///
  /// - Parameter input: the directory that was asked for and holds the file; only what lies below it
  ///   decides, so that dependencies and tests can be examined by naming them.
  func role(of path: String, below input: String?) -> SourceRole {
    let directory = SourcePath.parent(of: path)
    let layouts = enclosing(directory)
    let below = input.flatMap { SourcePath.relative(path, to: $0) } ?? path
    func counts(_ place: String) -> Bool {
      guard let input else { return true }
      return place != input && SourcePath.isWithin(place, input)
    }
    let isDependency =
      below.split(separator: "/").dropLast().contains("node_modules")
      || layouts.contains { layout in
        layout.libraryDirectories.contains { SourcePath.isWithin(path, $0) && counts($0) }
      }
    if isDependency { return .dependency }
    let name = SourcePath.lastComponent(of: path)
    if name.hasSuffix(".t.sol") { return .test }
    if name.hasSuffix(".s.sol") { return .script }
    guard let layout = layouts.first else { return .source }
    func lies(in directories: [String]) -> Bool {
      directories.contains { place in
        SourcePath.isWithin(path, place) && counts(place)
          && !layout.sourceDirectories.contains(place)
      }
    }
    if lies(in: layout.testDirectories) { return .test }
    if lies(in: layout.scriptDirectories) { return .script }
    let start = input.flatMap { SourcePath.isWithin($0, layout.root) ? $0 : nil } ?? layout.root
    let inner = SourcePath.relative(directory, to: start) ?? ""
    let isTest = inner.split(separator: "/").contains { part in
      ["test", "tests", "mock", "mocks"].contains(part.lowercased())
    }
    return isTest ? .test : .source
  }
}
