/// Which file imports which, and how the files fall into groups that can be analysed one at a time.
package struct ImportGraph {
  /// A file with what a scan found in it.
  package struct Node {
    package let path: String
    /// Bytes.
    package let size: Int
    package let contracts: [String]
    /// Indices of the files imported, ascending, each once.
    package var imports: [Int]
    /// The root of the project the file belongs to; nil for loose files.
    package let project: String?
    /// Whether the file was asked for, rather than only imported.
    package let isRequested: Bool

    package init(
      path: String, size: Int, contracts: [String], imports: [Int], project: String?,
      isRequested: Bool
    ) {
      self.path = path
      self.size = size
      self.contracts = contracts
      self.imports = imports
      self.project = project
      self.isRequested = isRequested
    }
  }

  package let nodes: [Node]

  package init(nodes: [Node]) { self.nodes = nodes }

  /// How many loose files are looked at as one program at most.
  static let maximumLooseFiles = 64

  /// Groups of node indices. Every file that another of the group imports is in the group; `owned` are those
  /// that no earlier group holds.
  package struct Group: Hashable {
    package var members: [Int]
    package var owned: [Int]
  }

  /// Divides the files.
  ///
  /// Files of one project stay together as long as they have at most `budget` bytes, because a proxy does not
  /// import its implementation. Loose files stay together when they are few and no two parts declare a
  /// contract of one name, which would show that the parts are versions of each other. Larger sets fall into
  /// parts connected by imports, and a part above the budget into overlapping groups, each closed under imports.
  package func groups(budget: Int) -> [Group] {
    var sets = DisjointSets(count: nodes.count)
    for (index, node) in nodes.enumerated() {
      for target in node.imports { sets.join(index, target) }
    }
    joinProjects(&sets, budget: budget)
    joinLooseFiles(&sets)

    var parts: [[Int]] = []
    var numberOfRoot: [Int: Int] = [:]
    for index in nodes.indices {
      let root = sets.root(of: index)
      if let number = numberOfRoot[root] {
        parts[number].append(index)
      } else {
        numberOfRoot[root] = parts.count
        parts.append([index])
      }
    }
    return parts.flatMap { part -> [Group] in
      let size = part.reduce(0) { $0 + nodes[$1].size }
      return size <= budget ? [Group(members: part, owned: part)] : split(part, budget: budget)
    }
  }

  private func joinProjects(_ sets: inout DisjointSets, budget: Int) {
    var filesOfProject: [String: [Int]] = [:]
    for (index, node) in nodes.enumerated() {
      if let project = node.project, node.isRequested {
        filesOfProject[project, default: []].append(index)
      }
    }
    var sizes: [Int: Int] = [:]
    for (index, node) in nodes.enumerated() { sizes[sets.root(of: index), default: 0] += node.size }
    for project in filesOfProject.keys.sorted() {
      guard let files = filesOfProject[project], let first = files.first else { continue }
      let roots = Set(files.map { sets.root(of: $0) })
      let size = roots.reduce(0) { $0 + sizes[$1, default: 0] }
      guard roots.count > 1, size <= budget else { continue }
      for file in files { sets.join(first, file) }
      sizes[sets.root(of: first)] = size
    }
  }

  private func joinLooseFiles(_ sets: inout DisjointSets) {
    let loose = nodes.indices.filter { nodes[$0].project == nil && nodes[$0].isRequested }
    guard loose.count > 1, loose.count <= Self.maximumLooseFiles else { return }
    var partOfName: [String: Int] = [:]
    for index in loose {
      let part = sets.root(of: index)
      for name in nodes[index].contracts {
        if let other = partOfName[name], other != part { return }
        partOfName[name] = part
      }
    }
    for index in loose.dropFirst() { sets.join(loose[0], index) }
  }

  /// Covers a part by groups of at most `budget` bytes (more only where one file needs more): goes through
  /// the files nobody imports, in path order, and gathers what they need.
  private func split(_ part: [Int], budget: Int) -> [Group] {
    var isImported = Set<Int>()
    for index in part { isImported.formUnion(nodes[index].imports.filter { $0 != index }) }
    var starts = part.filter { !isImported.contains($0) }
    // Files of a cycle that nothing outside imports have no such start.
    var reached = closure(of: starts)
    for index in part where !reached.contains(index) {
      starts.append(index)
      reached.formUnion(closure(of: [index]))
    }

    var groups: [Group] = []
    var owned = Set<Int>()
    var current = Set<Int>()
    var size = 0
    func finish() {
      guard !current.isEmpty else { return }
      let members = current.sorted()
      let new = members.filter { owned.insert($0).inserted }
      groups.append(Group(members: members, owned: new))
      current = []
      size = 0
    }
    for start in starts {
      let needed = closure(of: [start])
      let added = needed.subtracting(current).reduce(0) { $0 + nodes[$1].size }
      if !current.isEmpty, size + added > budget {
        finish()
        current = needed
        size = needed.reduce(0) { $0 + nodes[$1].size }
      } else {
        current.formUnion(needed)
        size += added
      }
    }
    finish()
    return groups
  }

  private func closure(of starts: [Int]) -> Set<Int> {
    var reached = Set(starts)
    var pending = starts
    while let index = pending.popLast() {
      for target in nodes[index].imports where reached.insert(target).inserted {
        pending.append(target)
      }
    }
    return reached
  }
}

/// Sets of indices that can be united.
///
/// Source: Tarjan, "Efficiency of a good but not linear set union algorithm", 1975 (path halving; the
/// smaller index becomes the root, so roots do not depend on the order of unions).
private struct DisjointSets {
  private var parents: [Int]

  init(count: Int) { parents = Array(0..<count) }

  mutating func root(of index: Int) -> Int {
    var index = index
    while parents[index] != index {
      parents[index] = parents[parents[index]]
      index = parents[index]
    }
    return index
  }

  mutating func join(_ a: Int, _ b: Int) {
    let (first, second) = (root(of: a), root(of: b))
    if first < second { parents[second] = first } else { parents[first] = second }
  }
}
