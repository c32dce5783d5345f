/// Chooses the prompt format that a vocabulary was made for.
public enum ChatFormat {
  /// The format whose markers the vocabulary has, or nil for vocabularies of plain text models.
  ///
  /// Revisions that share their markers are told apart by how text is split (Qwen 3.5) and by whether there is a
  /// token for thoughts (Qwen 3); DeepSeek's of July cannot be told from the first and is not chosen here.
  ///
  /// - Parameter thinks: Whether the model may think before it answers, where it can.
  public static func encoding(for vocabulary: Vocabulary, thinks: Bool) -> (any ChatEncoding)? {
    func has(_ marker: String) -> Bool { vocabulary.addedToken(marker) != nil }
    if has(DeepSeekChat.user), has(DeepSeekChat.assistant), has(DeepSeekChat.think),
      has(DeepSeekChat.dsml)
    {
      return DeepSeekChat(thinking: thinks ? .on : .off)
    }
    if has(QwenChat.start), has(QwenChat.end) {
      if vocabulary.preTokenizer == .qwen35 { return QwenChat(revision: .qwen35, thinks: thinks) }
      return QwenChat(revision: has("<think>") ? .qwen3 : .qwen25, thinks: thinks)
    }
    if has("<|start_header_id|>"), has("<|end_header_id|>"), has("<|eot_id|>") {
      return LlamaChat()
    }
    return nil
  }
}

extension ChatEncoding {
  /// The tokens that end the model's turn: those of the format's markers and those that the vocabulary names, each
  /// once, in ascending order.
  public func endTokens(in vocabulary: Vocabulary) -> [Int32] {
    let marked = endMarkers.compactMap { vocabulary.addedToken($0) }
    let named = [vocabulary.special.end, vocabulary.special.endOfTurn].compactMap { $0 }
    return Set(marked + named).sorted()
  }
}
