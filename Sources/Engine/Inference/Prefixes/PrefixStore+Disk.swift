import Models

/// The part of the prefix store that deals with the disk.
extension PrefixStore {
  /// Makes a state found on disk known.
  func admit(_ stored: PrefixDisk.StoredState) {
    guard !stored.tokens.isEmpty else { return }
    clock += 1
    let node = tree.insert(stored.tokens)
    guard node.kept == nil else { return }
    for node in node.path { node.lastUse = clock }
    let kept = KeptState(
      count: stored.tokens.count, oldestRollback: stored.oldestRollback, isEnd: stored.isEnd,
      node: node)
    kept.record = stored.identifier
    onDisk[stored.identifier] = kept
    tree.setKept(kept, at: node)
  }

  /// Reads a state into memory, the pages that are there already excepted.
  ///
  /// - Returns: the number of tokens that were read; nil when a record was damaged, which is then gone.
  func load(_ kept: KeptState, damage: inout Bool) -> Int? {
    guard let disk, let identifier = kept.record else { return nil }
    let path = kept.node.path
    do throws(PrefixRecord.Damage) {
      var pages: [any StatePage] = []
      var read = 0
      let names = nameRecords(path)
      for (node, offset) in places(path) {
        if let page = node.pages[offset].page {
          pages.append(page)
          continue
        }
        let index = node.firstPage + offset
        let name = names[index]
        let record = try disk.read(name, tokens: tokens(ofPage: index, path))
        do {
          pages.append(try model.makePage(serialized: record.content))
        } catch {
          disk.reportDamage(name, error)
          throw .unreadable(error.description)
        }
        read += tokensPerPage
      }
      let complete = pages.count * tokensPerPage
      let record = try disk.read(identifier, tokens: tokens(from: complete, path))
      let state: any SequenceState
      do {
        state = try model.makeState(tail: record.content, pages: pages)
      } catch {
        disk.reportDamage(identifier, error)
        throw .unreadable(error.description)
      }
      guard state.count == kept.count, state.oldestRollback == kept.oldestRollback,
        record.logits.isEmpty || record.logits.count == model.shape.vocabularyCount
      else {
        disk.reportDamage(identifier, PrefixRecord.Damage.notTheExpectedOne)
        throw .notTheExpectedOne
      }
      hold(kept, state, logits: record.logits.isEmpty ? nil : record.logits, path)
      return read + kept.count - complete
    } catch {
      damage = true
      forgetRemovedRecords()
      return nil
    }
  }

  /// Queues a state to be written, as far as there is room now.
  func store(_ kept: KeptState) {
    guard let disk, kept.record == nil, let state = kept.state,
      state.pageByteCount + state.tailByteCount <= disk.limit,
      !unwritten.contains(where: { $0 === kept })
    else { return }
    unwritten.append(kept)
    writeBehind(byteLimit: Self.writtenAtOnce)
  }

  /// Hands more of what is to be written to the disk's queue. `keep` and `resume` do a little of that; calling it while the
  /// model rests lets long prompts, which do not fit the queue at once, reach the disk.
  ///
  /// - Parameter byteLimit: after how many bytes to stop; the copies are made on the caller's thread.
  /// - Returns: whether more waits to be handed over.
  @discardableResult public func writeBehind(byteLimit: Int = .max) -> Bool {
    guard let disk else { return false }
    var remaining = byteLimit
    while let kept = unwritten.first {
      guard kept.state != nil, kept.record == nil, kept.node.kept === kept else {
        unwritten.removeFirst()
        continue
      }
      guard write(kept, to: disk, &remaining) else { return true }
      unwritten.removeFirst()
    }
    return false
  }

  /// Writes everything that waits and flushes it, unless the disk takes no more; for the end of the process.
  public func finishWriting() {
    while writeBehind() {
      disk?.flush()
      guard disk?.hasRoom == true else { break }
    }
    disk?.flush()
    forgetRemovedRecords()
  }

  /// Whether all of a state is handed over; if not, the pages that were are not serialised again next time.
  private func write(
    _ kept: KeptState, to disk: PrefixDisk, _ remaining: inout Int
  ) -> Bool {
    guard let state = kept.state else { return true }
    let path = kept.node.path
    var parent = RecordIdentifier.none
    let names = nameRecords(path)
    for (node, offset) in places(path) {
      let index = node.firstPage + offset
      let name = names[index]
      if !disk.contains(name), let page = node.pages[offset].page {
        guard disk.hasRoom, remaining > 0 else { return false }
        let content = model.serialized(page)
        remaining -= content.count
        disk.write(
          PrefixRecord(
            .page, after: parent, tokens: tokens(ofPage: index, path),
            count: (index + 1) * tokensPerPage, content: content))
      }
      parent = name
    }
    guard disk.hasRoom, remaining > 0 else { return false }
    remaining -= state.tailByteCount
    let record = PrefixRecord(
      .state, after: parent, tokens: tokens(from: kept.count / tokensPerPage * tokensPerPage, path),
      count: kept.count, oldestRollback: kept.oldestRollback, isEnd: kept.isEnd,
      content: state.serializedTail(), logits: kept.logits ?? [])
    kept.record = record.header.identifier
    onDisk[record.header.identifier] = kept
    disk.write(record)
    tree.updateReach(from: kept.node)
    forgetRemovedRecords()
    return true
  }

  /// Removes a state from the disk.
  func removeFromDisk(_ kept: KeptState) {
    guard let record = kept.record else { return }
    disk?.remove(record)
    forget(record)
  }

  /// Takes note of the states that the disk has lost.
  func forgetRemovedRecords() {
    for record in disk?.takeRemoved() ?? [] { forget(record) }
  }

  private func forget(_ record: RecordIdentifier) {
    guard let kept = onDisk.removeValue(forKey: record) else { return }
    kept.record = nil
    if kept.state == nil {
      kept.node.wasEvicted = true
      tree.setKept(nil, at: kept.node)
    } else {
      tree.updateReach(from: kept.node)
    }
  }

  // MARK: Names

  /// The places of the pages of a path, in order.
  private func places(_ path: [PrefixNode]) -> [(node: PrefixNode, offset: Int)] {
    path.flatMap { node in node.pages.indices.map { (node, $0) } }
  }

  /// The names of the records of a path's pages, in order; each is computed once.
  private func nameRecords(_ path: [PrefixNode]) -> [RecordIdentifier] {
    var names: [RecordIdentifier] = []
    for (node, offset) in places(path) {
      let name =
        node.pages[offset].identifier
        ?? RecordIdentifier(
          .page, after: names.last ?? .none, tokens: tokens(ofPage: names.count, path))
      node.pages[offset].identifier = name
      names.append(name)
    }
    return names
  }

  private func tokens(ofPage index: Int, _ path: [PrefixNode]) -> [Int32] {
    tokens(index * tokensPerPage..<(index + 1) * tokensPerPage, path)
  }

  private func tokens(from start: Int, _ path: [PrefixNode]) -> [Int32] {
    tokens(start..<(path.last?.end ?? 0), path)
  }

  private func tokens(_ range: Range<Int>, _ path: [PrefixNode]) -> [Int32] {
    var result: [Int32] = []
    result.reserveCapacity(range.count)
    for node in path where node.end > range.lowerBound && node.start < range.upperBound {
      let first = max(range.lowerBound, node.start) - node.start
      let last = min(range.upperBound, node.end) - node.start
      result += node.tokens[first..<last]
    }
    return result
  }
}
